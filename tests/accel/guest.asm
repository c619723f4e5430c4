; Guests of the conformance suite: 32-bit code at 0x1000 with flat segments, which reports on port
; 0xe9. One is chosen by name. 'G' says that all was as it should, 'B' that it was not.
bits 32
org 0x1000

APIC equ 0xfee00000
IDT equ 0x5000
RESULT equ 0x6000

%macro report 1
    mov al, %1
    out 0xe9, al
%endmacro

%macro report_verdict 0
    report 'G'
    cli
    hlt
.bad:
    report 'B'
    cli
    hlt
%endmacro

%macro set_handler 2  ; vector, label below 64 KiB
    mov dword [IDT + %1 * 8], %2 + 0x80000  ; selector 8
    mov dword [IDT + %1 * 8 + 4], 0x8e00
%endmacro

%macro write_apic 2
    mov dword [APIC + %1], %2
%endmacro

start:
    mov esp, 0x8000
    lidt [idt_pointer]
    jmp main
idt_pointer:
    dw 0x7ff
    dd IDT

enable_apic:
    write_apic 0xf0, 0x1ff
    ret

%ifdef WAKE
main:
    call enable_apic
    set_handler 0x40, on_interrupt
    report 'H'
    sti
    hlt
    report 'W'
    jmp $
on_interrupt:
    push eax
    report 'I'
    write_apic 0xb0, 0
    pop eax
    iret

%elifdef NMI
main:
    set_handler 2, on_nmi
    report 'H'
.again:
    hlt
    jmp .again
on_nmi:
    report 'N'
    iret

%elifdef COUNT  ; two counters, one in a register and one in memory, up to what RESULT + 4 says
main:
    report 'S'
    xor ecx, ecx
.again:
    inc ecx
    inc dword [RESULT]
    cmp ecx, [RESULT]
    jne .bad
    cmp ecx, [RESULT + 4]
    jb .again
    report_verdict

%elifdef ROM  ; 0x20000 is read-only
main:
    mov byte [0x20000], 0x11
    mov esi, 0x20001
    mov edi, 0x20100
    mov ecx, 16
    rep movsb
    cmp byte [0x20000], 0xaa
    jne .bad
    cmp byte [0x20100], 0xaa
    jne .bad
    report_verdict

%elifdef MAP  ; waits for other memory to appear at 0x30000, calls what is in there
main:
    report 'S'
.wait:
    cmp dword [0x30ffc], 0x600d
    jne .wait
    call 0x30000
    cmp eax, 0x1234
    jne .bad
    report_verdict

%elifdef DIRTY
main:
    mov byte [0x40123], 1
    mov dword [0x42ffe], 0x01020304
    report 'G'
    hlt

%elifdef DEVICE  ; memory of a device at 0x50000, a port at 0x300
main:
    mov byte [0x50001], 0x12
    mov word [0x50002], 0x3456
    mov dword [0x50004], 0x789abcde
    cmp dword [0x50004], 0x789abcde
    jne .bad
    cmp word [0x50002], 0x3456
    jne .bad
    movzx eax, byte [0x50001]
    cmp eax, 0x12
    jne .bad
    add dword [0x50004], 0x11
    cmp dword [0x50004], 0x789abcef
    jne .bad
    mov dx, 0x300
    mov eax, 0x55667788
    out dx, eax
    xor eax, eax
    in eax, dx
    cmp eax, 0x55667788
    jne .bad
    mov esi, text
    mov ecx, 4
    rep outsb
    in al, dx
    cmp al, 'd'
    jne .bad
    mov edi, RESULT
    mov ecx, 3
    rep insb
    cmp word [RESULT], 'dd'
    jne .bad
    report_verdict
text:
    db 'abcd'

%elifdef DOORBELL  ; each time that RESULT is not 0: as many rounds of writes, to where RESULT + 4 says
                   ; and to port 0x300
main:
    mov ecx, [RESULT]
    test ecx, ecx
    jz main
    mov ebx, [RESULT + 4]
    mov dx, 0x300
    mov eax, 5
.again:
    mov byte [ebx], 5
    mov word [ebx], 5
    mov dword [ebx], 5
    mov dword [ebx], 6
    mov word [ebx + 2], 5
    out dx, al
    out dx, ax
    out dx, eax
    loop .again
    mov dword [RESULT], 0
    report 'D'
    jmp main

%elifdef EVENTS  ; interrupts by messages, by the edge-triggered line 4 and the level-triggered 11 of the
                 ; 8259s, by the level-triggered pin 20 of the I/O APIC
main:
    call enable_apic
    set_handler 0x24, on_edge
    set_handler 0x2b, on_level
    set_handler 0x40, on_first
    set_handler 0x41, on_second
    set_handler 0x54, on_pin
    mov al, 0x11
    out 0x20, al
    out 0xa0, al
    mov al, 0x20
    out 0x21, al
    mov al, 0x28
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 1
    out 0x21, al
    out 0xa1, al
    mov al, 0xeb
    out 0x21, al
    mov al, 0xf7
    out 0xa1, al
    mov dx, 0x4d1
    mov al, 8
    out dx, al
    write_apic 0x350, 0x700  ; LINT0: ExtINT
    mov dword [0xfec00000], 0x39
    mov dword [0xfec00010], 0
    mov dword [0xfec00000], 0x38
    mov dword [0xfec00010], 0x8054
    report 'H'
    sti
.again:
    hlt
    jmp .again
on_edge:
    report 'e'
    mov al, 0x20
    out 0x20, al
    iret
on_level:
    report 'l'
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    iret
on_first:
    report 'I'
    write_apic 0xb0, 0
    iret
on_second:
    report 'J'
    write_apic 0xb0, 0
    iret
on_pin:
    report 'p'
    write_apic 0xb0, 0
    iret

%elifdef DEBUG  ; addresses of these labels are in debug_test.cc
main:               ; 0x1100
    times 0x1100 - 0x1000 - ($ - $$) nop
point:
    mov eax, 1      ; 0x1100, 5 bytes
    mov ebx, 2      ; 0x1105
    add eax, ebx    ; 0x110a, 2 bytes
    mov [RESULT], eax ; 0x110c, 5 bytes
    mov ecx, [RESULT + 8] ; 0x1111, 6 bytes
    nop             ; 0x1117
    nop             ; 0x1118
    report 'G'
    hlt

%elifdef STARTUP  ; nothing to do for the first processor
main:
    hlt
    jmp main

%elifdef PING_PONG  ; two processors send an interrupt to and fro twenty times
main:
    call enable_apic
    set_handler 0x41, on_ping
    set_handler 0x42, on_pong
    write_apic 0x310, 0x01000000
    write_apic 0x300, 0x4500  ; INIT
    write_apic 0x300, 0x4602  ; start at 0x2000
    mov ebx, 20
.again:
    sti
    hlt
    cli
    cmp ebx, 0          ; two may have come
    jg .again
    report 'D'
    hlt
on_ping:
    dec ebx
    write_apic 0xb0, 0
    write_apic 0x310, 0x01000000
    write_apic 0x300, 0x42
    iret
on_pong:
    write_apic 0xb0, 0
    write_apic 0x310, 0
    write_apic 0x300, 0x41
    iret

%elifdef LINES  ; interrupt 4: by the 8259s, then, level-triggered, by pin 4 of the I/O APIC
main:
    call enable_apic
    set_handler 0x24, on_pic
    set_handler 0x54, on_ioapic
    mov al, 0x11
    out 0x20, al
    mov al, 0x20
    out 0x21, al
    mov al, 4
    out 0x21, al
    mov al, 1
    out 0x21, al
    mov al, 0xef
    out 0x21, al
    write_apic 0x350, 0x700  ; LINT0: ExtINT
    report 'P'
    sti
    hlt
    cli
    mov al, 0xff
    out 0x21, al
    mov dword [0xfec00000], 0x19
    mov dword [0xfec00010], 0
    mov dword [0xfec00000], 0x18
    mov dword [0xfec00010], 0x8054
    report 'A'
    sti
.again:
    hlt
    jmp .again
on_pic:
    report 'p'
    mov al, 0x20
    out 0x20, al
    iret
on_ioapic:
    report 'a'
    write_apic 0xb0, 0
    iret

%elifdef TIMER  ; three ticks of the PIT at 1 kHz
main:
    set_handler 0x20, on_tick
    mov al, 0x11
    out 0x20, al
    mov al, 0x20
    out 0x21, al
    mov al, 4
    out 0x21, al
    mov al, 1
    out 0x21, al
    mov al, 0xfe
    out 0x21, al
    mov al, 0x34
    out 0x43, al
    mov al, 0xa9
    out 0x40, al
    mov al, 4
    out 0x40, al
    mov ebx, 3
.again:
    sti
    hlt
    cli
    cmp ebx, 0
    jg .again
    report 'G'
    hlt
on_tick:
    dec ebx
    push eax
    mov al, 0x20
    out 0x20, al
    pop eax
    iret

%elifdef SOURCES  ; counts interrupts: of the PIT by pin 2, of the APIC's timer, of line 4 by the
                  ; 8259s, of line 5 by pin 5, level-triggered; both timers have 200 Hz
main:
    call enable_apic
    set_handler 0x24, on_pic
    set_handler 0x50, on_pit
    set_handler 0x51, on_apic
    set_handler 0x55, on_level
    mov al, 0x11
    out 0x20, al
    mov al, 0x20
    out 0x21, al
    mov al, 4
    out 0x21, al
    mov al, 1
    out 0x21, al
    mov al, 0xef
    out 0x21, al
    write_apic 0x350, 0x700  ; LINT0: ExtINT
    mov ebx, 0xfec00000
    mov dword [ebx], 0x15
    mov dword [ebx + 0x10], 0
    mov dword [ebx], 0x14
    mov dword [ebx + 0x10], 0x50
    mov dword [ebx], 0x1b
    mov dword [ebx + 0x10], 0
    mov dword [ebx], 0x1a
    mov dword [ebx + 0x10], 0x8055
    write_apic 0x3e0, 0xb
    write_apic 0x320, 0x20051
    write_apic 0x380, 5000000
    mov al, 0x34
    out 0x43, al
    mov al, 0x4e
    out 0x40, al
    mov al, 0x17
    out 0x40, al
    report 'S'
    sti
.again:
    hlt
    jmp .again
on_pit:
    inc dword [RESULT]
    write_apic 0xb0, 0
    iret
on_apic:
    inc dword [RESULT + 4]
    write_apic 0xb0, 0
    iret
on_pic:
    push eax
    inc dword [RESULT + 8]
    mov al, 0x20
    out 0x20, al
    pop eax
    iret
on_level:
    inc dword [RESULT + 12]
    write_apic 0xb0, 0
    iret

%elifdef ONE_SHOT  ; the APIC's timer ends once, after 100 ms
main:
    call enable_apic
    set_handler 0x51, on_apic
    write_apic 0x3e0, 0xb
    write_apic 0x320, 0x51
    report 'S'
    write_apic 0x380, 100000000
    sti
.again:
    hlt
    jmp .again
on_apic:
    push eax
    report 'T'
    write_apic 0xb0, 0
    pop eax
    iret

%elifdef DEADLINE  ; likewise, by the time-stamp counter
main:
    call enable_apic
    set_handler 0x51, on_apic
    write_apic 0x320, 0x40051
    report 'S'
    rdtsc
    add eax, 100000000
    adc edx, 0
    mov ecx, 0x6e0
    wrmsr
    sti
.again:
    hlt
    jmp .again
on_apic:
    push eax
    report 'T'
    write_apic 0xb0, 0
    pop eax
    iret

%elifdef TRIPLE_FAULT
main:
    report 'T'
    lidt [no_idt]
    int3
no_idt:
    dw 0
    dd 0

%elifdef VECTORS  ; x87, SSE2 and AVX, as if CPUID had said that they are there
main:
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
    fld1
    fldpi
    fadd st1, st0       ; 1 + pi
    fstp st0
    fmul dword [three]
    frndint             ; 12
    fistp dword [RESULT]
    cmp dword [RESULT], 12
    jne .bad
    movdqu xmm1, [numbers]
    paddd xmm1, xmm1
    pshufd xmm2, xmm1, 0x1b
    movd eax, xmm2
    cmp eax, 8
    jne .bad
    vmovdqu ymm3, [numbers]
    vaddps ymm4, ymm3, ymm3
    mov ecx, 200
.again:
    vpaddd xmm5, xmm5, xmm1
    loop .again
    vmovd eax, xmm5
    cmp eax, 400
    jne .bad
    vextractf128 xmm6, ymm3, 1
    vmovd eax, xmm6
    cmp eax, 5
    jne .bad
    report_verdict
three:
    dd 3.0
numbers:
    dd 1, 2, 3, 4, 5, 6, 7, 8

%elifdef UNDEFINED  ; an instruction that no processor has must fault in the guest, not in KVM
main:
    set_handler 6, on_undefined
    ud2
    report 'B'
    hlt
on_undefined:
    report 'G'
    hlt
%endif

times 0x1000 - ($ - $$) db 0

; Where second processors start: 16-bit code at 0x2000.
bits 16
second:
%ifdef PING_PONG
    xor ax, ax
    mov ds, ax
    o32 lgdt [gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 8:second_32
bits 32
second_32:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x7000
    lidt [idt_pointer]
    call enable_apic
    write_apic 0x310, 0
    write_apic 0x300, 0x41
.again:
    sti
    hlt
    jmp .again
gdt_pointer:
    dw 23
    dd gdt
align 8
gdt:
    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
%else
    mov al, 'A'
    out 0xe9, al
.again:
    jmp .again
%endif
