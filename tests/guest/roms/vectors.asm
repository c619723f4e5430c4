; A firmware image of 64 KiB that computes with x87, SSE2 and AVX in 32-bit mode: prints "<V>" on the
; debug console if all is right, "<?>" if not, and ends by isa-debug-exit.
bits 16
org 0

start:
    o32 lgdt [cs:gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 8:0xf0000 + protected

bits 32
protected:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x7000
    mov eax, cr0
    and eax, ~4
    or eax, 2
    mov cr0, eax
    mov eax, cr4
    or eax, 0x40600     ; OSXSAVE, OSXMMEXCPT, OSFXSR
    mov cr4, eax
    xor ecx, ecx
    xor edx, edx
    mov eax, 7
    xsetbv

    fninit
    fldpi
    fmul dword [0xf0000 + three]
    fsqrt
    fmul st0, st0
    frndint             ; 9
    fistp dword [0x6000]
    cmp dword [0x6000], 9
    jne bad

    movdqu xmm1, [0xf0000 + numbers]
    paddd xmm1, xmm1
    pshufd xmm2, xmm1, 0x1b
    movd eax, xmm2
    cmp eax, 8
    jne bad

    vpxor xmm5, xmm5, xmm5
    mov ecx, 1000
.again:
    vpaddd xmm5, xmm5, xmm1
    loop .again
    vmovd eax, xmm5
    cmp eax, 2000
    jne bad
    vmovups ymm3, [0xf0000 + floats]
    vaddps ymm3, ymm3, ymm3
    vextractf128 xmm3, ymm3, 1
    vcvttss2si eax, xmm3
    cmp eax, 10
    jne bad
    mov esi, 0xf0000 + good_text
    jmp print
bad:
    mov esi, 0xf0000 + bad_text
print:
    mov dx, 0xe9
    mov ecx, 3
    rep outsb
    mov dx, 0xf4
    mov al, 0x10
    out dx, al
    cli
halted:
    hlt
    jmp halted

good_text:
    db "<V>"
bad_text:
    db "<?>"
align 4
three:
    dd 3.0
numbers:
    dd 1, 2, 3, 4
floats:
    dd 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0
align 8
gdt:
    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    dw 23
    dd 0xf0000 + gdt

    times 0xfff0 - ($ - $$) db 0xf4
bits 16
    jmp start
    times 0x10000 - ($ - $$) db 0
