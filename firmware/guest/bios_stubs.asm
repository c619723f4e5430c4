; What interrupts meet in real mode where no BIOS runs: handlers that acknowledge, at F000:FF00. Each
; begins on a multiple of 16; bios_leftovers.cc knows their order.
        bits    16
        org     0xff00

ignore:
        iret

        align   16, db 0x90
master:                                 ; IRQ 1 to 7
        push    ax
        mov     al, 0x20                ; end of interrupt
        out     0x20, al
        pop     ax
        iret

        align   16, db 0x90
slave:                                  ; IRQ 8 to 15
        push    ax
        mov     al, 0x20
        out     0xa0, al
        out     0x20, al
        pop     ax
        iret

        align   16, db 0x90
timer:                                  ; IRQ 0: counts the ticks of the BIOS data area
        push    ds
        push    ax
        xor     ax, ax
        mov     ds, ax
        inc     dword [0x46c]
        int     0x1c                    ; what programs hook into
        mov     al, 0x20
        out     0x20, al
        pop     ax
        pop     ds
        iret
