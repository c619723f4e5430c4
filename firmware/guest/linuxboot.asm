; Boot ROM for -kernel on the BIOS path: takes the kernel from fw_cfg by DMA, puts its parts where
; fw_cfg says, and enters the kernel's real-mode setup code. Real mode only: fw_cfg writes above
; 1 MiB by itself. Registers are free: nothing returns once the BIOS has called the boot vector.

        bits    16
        org     0

FW_CFG_KERNEL_ADDR      equ 0x07
FW_CFG_KERNEL_SIZE      equ 0x08
FW_CFG_INITRD_ADDR      equ 0x0a
FW_CFG_INITRD_SIZE      equ 0x0b
FW_CFG_KERNEL_DATA      equ 0x11
FW_CFG_INITRD_DATA      equ 0x12
FW_CFG_CMDLINE_ADDR     equ 0x13
FW_CFG_CMDLINE_SIZE     equ 0x14
FW_CFG_CMDLINE_DATA     equ 0x15
FW_CFG_SETUP_ADDR       equ 0x16
FW_CFG_SETUP_SIZE       equ 0x17
FW_CFG_SETUP_DATA       equ 0x18

DMA_PORT_LOW            equ 0x518       ; writing the low half starts the transfer
DMA_READ_SELECT         equ 0x0a        ; control bits: select (3), read (1)

        db      0x55, 0xaa
        db      (rom_end - $$) / 512
        jmp     near initialise         ; offset 3
        times   0x1a - ($ - $$) db 0
        dw      pnp_header

        align   16
pnp_header:                             ; PnP BIOS specification 1.0A, section 3.2
        db      '$PnP'
        db      1                       ; structure revision
        db      2                       ; length in units of 16 bytes
        dw      0                       ; no further header
        db      0
        db      0                       ; checksum, filled in by the host
        dd      0                       ; device identifier
        dw      manufacturer
        dw      product
        db      2, 0, 0                 ; device type: network, so that it is a boot device
        db      0xe4                    ; shadowable, cacheable, IPL device
        dw      0                       ; no boot connection vector
        dw      0                       ; no disconnect vector
        dw      boot                    ; bootstrap entry vector
        dw      0
        dw      0                       ; no static resource vector

manufacturer:   db 'Tandem', 0
product:        db 'Linux loader', 0

initialise:
        mov     ax, 0x20                ; an IPL device is attached
        retf

; fetch ADDRESS_KEY, SIZE_KEY, DATA_KEY
%macro fetch 3
        mov     ax, %1
        call    read_number
        mov     [es:dest], eax
        mov     ax, %2
        call    read_number
        mov     [es:length], eax
        test    eax, eax
        jz      %%done
        mov     ax, %3
        mov     ebx, [es:dest]
        mov     ecx, [es:length]
        call    transfer
%%done:
%endmacro

; Our variables, in the boot sector's place at 0x7c00 of segment 0, above the kernel's own ones.
dma_control     equ 0x7c00              ; big-endian, as the three fields form fw_cfg's descriptor
dma_length      equ 0x7c04
dma_address     equ 0x7c08
dest            equ 0x7c10
length          equ 0x7c14
number          equ 0x7c18

boot:
        cli
        cld
        xor     ax, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7c00
        fetch   FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA
        fetch   FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA
        fetch   FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA
        fetch   FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA

        ; "The Linux/x86 boot protocol", running the kernel: all segments at the setup code, the
        ; stack below the command line, entry at segment + 0x20.
        mov     ax, FW_CFG_CMDLINE_ADDR
        call    read_number
        mov     ebx, eax
        mov     ax, FW_CFG_SETUP_ADDR
        call    read_number
        sub     ebx, eax
        sub     ebx, 16
        shr     eax, 4
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     esp, ebx
        add     ax, 0x20
        push    ax
        push    word 0
        retf

; eax = the 32-bit number under key ax; es = 0.
read_number:
        mov     ebx, number
        mov     ecx, 4
        call    transfer
        mov     eax, [es:number]
        ret

; ecx bytes of item ax to physical address ebx; es = 0.
transfer:
        shl     eax, 16
        or      eax, DMA_READ_SELECT
        bswap   eax
        mov     [es:dma_control], eax
        bswap   ecx
        mov     [es:dma_length], ecx
        mov     dword [es:dma_address], 0
        bswap   ebx
        mov     [es:dma_address + 4], ebx
        mov     eax, dma_control
        bswap   eax
        mov     dx, DMA_PORT_LOW
        out     dx, eax
.wait:
        mov     eax, [es:dma_control]
        and     eax, 0xfeffffff         ; all but the error bit: a failed read is as final
        jnz     .wait
        ret

        times   511 - ($ - $$) db 0
        db      0                       ; makes the sum zero; the host fills it in
rom_end:
