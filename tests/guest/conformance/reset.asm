; What a processor is like after RESET. A firmware image of 64 KiB (-bios), in real mode, which prints as
; kit64.inc does. SDM Vol. 3, 9.1.1, table 9-1 "IA-32 and Intel 64 Processor States Following Power-up".
bits 16
org 0

; Memory for what was found: the first page, through DS = 0.
SAVED equ 0x600

start:
    mov [cs:0], ax              ; to ROM: nothing happens
    mov [SAVED + 0], eax
    mov [SAVED + 4], ebx
    mov [SAVED + 8], ecx
    mov [SAVED + 12], edx
    mov [SAVED + 16], esi
    mov [SAVED + 20], edi
    mov [SAVED + 24], ebp
    mov [SAVED + 28], esp
    mov ax, ss
    mov [SAVED + 32], ax
    mov ss, ax
    mov sp, 0x8000
    pushfd
    pop dword [SAVED + 36]
    xor ebp, ebp                ; counts checks
    jmp main

; EAX: got, EDX: wanted, SI: the name, in this segment
check:
    inc ebp
    push eax
    push edx
    mov di, text_ok
    cmp eax, edx
    je .say
    mov di, text_fail
.say:
    xchg si, di
    call print
    mov si, di
    call print
    pop edx
    pop eax
    cmp eax, edx
    je .end
    mov si, text_got
    call print
    call print_hex
    mov si, text_want
    call print
    mov eax, edx
    call print_hex
.end:
    mov al, 10
    out 0xe9, al
    ret
print:
    cs lodsb
    test al, al
    jz .done
    out 0xe9, al
    jmp print
.done:
    ret
print_hex:                      ; EAX
    mov ebx, eax
    mov cx, 8
.digit:
    rol ebx, 4
    mov al, bl
    and al, 15
    cmp al, 10
    sbb al, 0x69
    das
    out 0xe9, al
    loop .digit
    ret

%macro expect 3                 ; "NAME", got, wanted
    mov eax, %2
    mov edx, %3
    mov si, %%name
    call check
    jmp %%after
%%name: db %1, 0
%%after:
%endmacro
%macro expect_msr 4             ; "NAME", number, high half, low half
    mov ecx, %2
    rdmsr
    mov [SAVED + 64], edx
    expect %1, eax, %4
    expect "  its high half", [SAVED + 64], %3
%endmacro

main:
    expect "EAX", [SAVED + 0], 0
    expect "EBX", [SAVED + 4], 0
    expect "ECX", [SAVED + 8], 0
    mov eax, 1
    cpuid
    mov [SAVED + 68], eax
    expect "EDX is the signature that CPUID gives", [SAVED + 12], [SAVED + 68]
    expect "ESI", [SAVED + 16], 0
    expect "EDI", [SAVED + 20], 0
    expect "EBP", [SAVED + 24], 0
    expect "ESP", [SAVED + 28], 0
    movzx eax, word [SAVED + 32]
    expect "SS", eax, 0
    expect "EFLAGS", [SAVED + 36], 2
    mov ax, cs
    movzx eax, ax
    expect "CS", eax, 0xf000
    mov eax, cr0
    expect "CR0: CD, NW, ET", eax, 0x60000010
    mov eax, cr2
    expect "CR2", eax, 0
    mov eax, cr3
    expect "CR3", eax, 0
    mov eax, cr4
    expect "CR4", eax, 0
    mov eax, dr0
    expect "DR0", eax, 0
    mov eax, dr6
    expect "DR6", eax, 0xffff0ff0
    mov eax, dr7
    expect "DR7", eax, 0x400
    sgdt [SAVED + 72]
    movzx eax, word [SAVED + 72]
    expect "GDTR: limit", eax, 0xffff
    expect "  base", [SAVED + 74], 0
    sidt [SAVED + 72]
    movzx eax, word [SAVED + 72]
    expect "IDTR: limit", eax, 0xffff
    expect "  base", [SAVED + 74], 0
    expect_msr "IA32_EFER", 0xc0000080, 0, 0
    expect_msr "IA32_PAT", 0x277, 0x00070406, 0x00070406
    expect_msr "IA32_APIC_BASE", 0x1b, 0, 0xfee00900
    expect_msr "IA32_TSC_ADJUST", 0x3b, 0, 0
    expect_msr "IA32_MTRR_DEF_TYPE", 0x2ff, 0, 0
    expect_msr "IA32_SYSENTER_CS", 0x174, 0, 0
    expect_msr "IA32_DEBUGCTL", 0x1d9, 0, 0
    mov ecx, 0x10
    rdmsr
    expect "the time-stamp counter begins near 0", edx, 0
    fnstcw [SAVED + 72]
    movzx eax, word [SAVED + 72]
    expect "x87 control word", eax, 0x40
    fnstsw [SAVED + 72]
    movzx eax, word [SAVED + 72]
    expect "x87 status word", eax, 0
    fnstenv [SAVED + 72]
    movzx eax, word [SAVED + 72 + 4]
    expect "x87 tag word", eax, 0x5555
    mov eax, cr4
    or eax, 0x40600             ; OSFXSR, OSXMMEXCPT, OSXSAVE
    mov cr4, eax
    stmxcsr [SAVED + 72]
    expect "MXCSR", [SAVED + 72], 0x1f80
    movd eax, xmm0
    expect "XMM0", eax, 0
    xor ecx, ecx
    xgetbv
    expect "XCR0: x87 alone", eax, 1
    mov si, text_checks
    call print
    mov eax, ebp
    call print_hex
    mov al, 10
    out 0xe9, al
    xor ax, ax
    mov dx, 0xf4
    out dx, al
    hlt

text_ok: db "ok ", 0
text_fail: db "FAIL ", 0
text_got: db ": got ", 0
text_want: db ", want ", 0
text_checks: db "checks ", 0

    times 0xfff0 - ($ - $$) db 0
    jmp start
    times 0x10000 - ($ - $$) db 0
