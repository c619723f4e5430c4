; Guests of the tests: real-mode code at 0x1000 that reports on port 0xe9. One is chosen by name.
bits 16
org 0x1000

%macro report 1
    mov al, %1
    out 0xe9, al
%endmacro

; All was as it should; from .bad on, it was not.
%macro report_verdict 0
    report 'G'
    hlt
.bad:
    report 'B'
    hlt
%endmacro

; A register of the local APIC, by its x2APIC number; EDX is cleared.
%macro write_apic 2
    mov ecx, %1
    mov eax, %2
    xor edx, edx
    wrmsr
%endmacro

%macro set_handler 2  ; vector, label
    mov word [%1 * 4], %2
    mov word [%1 * 4 + 2], 0
%endmacro

EOI equ 0x80b
ICR equ 0x830

start:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x8000
    call enable_apic
    jmp main

enable_apic:
    mov ecx, 0x1b
    rdmsr
    or ah, 0x0c  ; x2APIC mode
    wrmsr
    write_apic 0x80f, 0x1ff
    ret

%ifdef WAKE
main:
    set_handler 0x40, on_interrupt
    report 'H'
    sti
    hlt
    report 'W'
    cli
    hlt
on_interrupt:
    report 'I'
    write_apic EOI, 0
    iret

%elifdef NMI
main:
    set_handler 2, on_nmi
    cli
    report 'H'
.again:
    hlt
    jmp .again
on_nmi:
    report 'N'
    iret

%elifdef SPIN
main:
    report 'S'
.again:
    inc ebx
    jmp .again

%elifdef STARTUP  ; the first processor has nothing to do
main:
    cli
    hlt

%elifdef PING_PONG  ; two processors send an interrupt to and fro a hundred times
main:
    set_handler 0x41, on_ping
    set_handler 0x42, on_pong
    mov ecx, ICR
    mov edx, 1
    mov eax, 0x4500  ; INIT
    wrmsr
    mov eax, 0x4602  ; start at 0x2000
    wrmsr
    mov bx, 100
.again:
    sti
    hlt
    cli
    cmp bx, 0  ; two may have come
    jg .again
    report 'D'
    hlt
on_ping:
    dec bx
    write_apic EOI, 0
    mov ecx, ICR
    mov edx, 1
    mov eax, 0x42
    wrmsr
    iret
on_pong:
    write_apic EOI, 0
    mov ecx, ICR
    xor edx, edx
    mov eax, 0x41
    wrmsr
    iret

%elifdef COUNTED  ; an alarm by the APIC's TSC deadline, while spinning and while halted
main:
    set_handler 0x40, on_alarm
    write_apic 0x832, 0x40040
    call set_alarm
    xor ebx, ebx
    mov byte [0x7000], 0
    sti
.spin:
    inc ebx
    cmp byte [0x7000], 0
    je .spin
    call set_alarm
    hlt
    cli
    rdtsc
    mov esi, eax
    report 'E'
    hlt
set_alarm:
    rdtsc
    add eax, 1000000
    mov ecx, 0x6e0
    wrmsr
    ret
on_alarm:
    inc byte [0x7000]
    report 'T'
    write_apic EOI, 0
    iret
%elifdef SHADOW  ; an interrupt that waits for STI comes behind the instruction after it
main:
    set_handler 0x43, on_waiting
    mov bp, 300
.again:
    write_apic ICR, 0x40043  ; to itself
    xor bx, bx
    xor cx, cx
    mov di, 0xffff
    sti
    inc bx
    inc cx
    nop
    cli
    cmp di, 2  ; what the handler saw
    jne .bad
    dec bp
    jnz .again
    report_verdict
on_waiting:
    mov di, bx
    shl di, 1
    add di, cx
    push cx
    write_apic EOI, 0
    pop cx
    iret

%elifdef CALLOUT  ; what C++ executes in the midst of a unit: flags stay, its writes to code are seen
main:
    mov bp, 300
    cld
.again:
    xor ax, ax
    mov es, ax
    mov word [0x7000], 0
    stc
    rdtsc
    jnc .bad
    mov ax, 37
    bts [0x7000], ax  ; bit 5 of the third word
    jc .bad
    bts [0x7000], ax
    jnc .bad
    pushf
    pop ax
    test ax, 1
    jz .bad
    cmp word [0x7004], 1 << 5
    mov word [0x7004], 0
    jne .bad
    mov si, .one
    test bp, 1
    jz .copy
    mov si, .two
.copy:
    mov di, .patched
    mov cx, 3
    rep movsb
.patched:
    mov bx, 0
    mov ax, bp
    and ax, 1
    inc ax
    cmp ax, bx
    jne .bad
    dec bp
    jnz .again
    report_verdict
.one:
    mov bx, 1
.two:
    mov bx, 2

%elifdef REWRITE  ; a function that is written anew before each of many calls, then stands
main:
    mov bp, 3000
.again:
    cmp bp, 1000
    jb .call
    mov byte [function], 0xbb
    mov [function + 1], bp
    mov byte [function + 3], 0xc3
    mov dx, bp
.call:
    call function
    cmp bx, dx
    jne .bad
    dec bp
    jnz .again
    mov word [function + 1], 0x55aa
    call function
    cmp bx, 0x55aa
    jne .bad
    report_verdict
    align 64
function:
    times 8 nop
%endif

    times 0x1000 - ($ - $$) db 0xf4
; Where the second processor starts: at 0x200:0.
second:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x9000
    jmp 0:.here
.here:
    call enable_apic
%ifdef PING_PONG
    mov ecx, ICR
    xor edx, edx
    mov eax, 0x41
    wrmsr
.again:
    sti
    hlt
    jmp .again
%else
    report 'A'
    cli
    hlt
%endif
