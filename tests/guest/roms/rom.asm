; A firmware image of 64 KiB: prints "<R>" on the debug console, then does what the defined name
; says, then halts. Stays in the segment of the reset vector.
bits 16
org 0

start:
    mov si, text
    mov cx, text_end - text
next:
    cs lodsb
    out 0xe9, al
    loop next

%ifdef TRIPLE_FAULT
    lidt [cs:empty_table]
    ud2
%elifdef KEYBOARD_RESET
    mov al, 0xfe
    out 0x64, al
%elifdef CF9_RESET
    mov dx, 0xcf9
    mov al, 2
    out dx, al
    mov al, 6
    out dx, al
%elifdef DEBUG_EXIT
    mov dx, 0xf4
    mov al, 0x10
    out dx, al
%endif
    cli
halted:
    hlt
    jmp halted

text:
    db "<R>"
text_end:
empty_table:
    dw 0
    dd 0

    times 0xfff0 - ($ - $$) db 0xf4
    jmp start
    times 0x10000 - ($ - $$) db 0
