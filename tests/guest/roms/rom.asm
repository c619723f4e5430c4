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
%elifdef REVIVE
    xor ax, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x8000
    mov si, in_ram
    mov di, RAM_CODE
    mov cx, in_ram_end - in_ram
    cs rep movsb
    jmp 0:RAM_CODE
%elifdef DEBUG_EXIT
    mov dx, 0xf4
    mov al, 0x10
    out dx, al
%endif
    cli
halted:
    hlt
    jmp halted

%ifdef REVIVE  ; what runs at 0:RAM_CODE: a function that is now this, now that, then the way out
RAM_CODE equ 0x2000
FUNCTION equ 0x1000
in_ram:
    xor ax, ax
    mov ds, ax
    mov bp, 6
    mov dword [FUNCTION], 0xc331b0  ; mov al, "1"; ret
.again:
    mov byte [FUNCTION + 1], "1"
    call .show
    mov byte [FUNCTION + 1], "2"
    call .show
    dec bp
    jnz .again
    mov dx, 0xf4
    mov al, 0x10
    out dx, al
    hlt
.show:
    mov di, FUNCTION
    call di
    out 0xe9, al
    ret
in_ram_end:
%endif

text:
    db "<R>"
text_end:
empty_table:
    dw 0
    dd 0

    times 0xfff0 - ($ - $$) db 0xf4
    jmp start
    times 0x10000 - ($ - $$) db 0
