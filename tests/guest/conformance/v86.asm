; Virtual-8086 mode, with and without the extensions of CR4.VME. SDM Vol. 3, chapter 20.
%include "tests/guest/conformance/kit32.inc"

; The code of virtual-8086 mode stands at V86 (linear, below 1 MiB), with its stack above it.
V86 equ 0x8000
V86_STACK equ 0xfff0            ; in the same segment
VM equ 1 << 17
VIF equ 1 << 19
VIP equ 1 << 20
IF equ 1 << 9
VECTOR equ 0x20

; in_v86 LABEL, flags: runs the code at LABEL (16 bits) until something reaches protected mode
%macro in_v86 2
    catch
    push 0
    push 0
    push 0
    push V86 >> 4               ; ES; then SS, ESP, EFLAGS, CS, EIP
    push V86 >> 4
    push V86_STACK
    push (%2) | VM | 2
    push V86 >> 4
    push %1 - v86_code
    iretd
    caught_here
    mov ax, KERNEL_DATA
    mov fs, ax
    mov gs, ax
%endmacro
%macro v86_faults 4             ; "NAME", LABEL, flags, vector (error code 0)
    in_v86 %2, %3
    expect %1, %4, 0
%endmacro
%macro flags_are 3              ; "NAME", bits, value
    mov eax, [caught.eflags]
    and eax, %2
    check %1, eax, %3
%endmacro

IOPL3 equ 0x3000
IOPL0 equ 0

main:
    mov esi, v86_code
    mov edi, V86
    mov ecx, v86_end - v86_code
    rep movsb
    ; Real-mode vector VECTOR leads to v86_handler.
    mov word [VECTOR * 4], v86_handler - v86_code
    mov word [VECTOR * 4 + 2], V86 >> 4
    call basics
    call flags_without_vme
    mov eax, cr4
    or eax, 1
    mov cr4, eax
    call with_vme
    mov eax, cr4
    and eax, ~1
    mov cr4, eax
    call pvi
    ret

basics:
    in_v86 v_ud, IOPL3
    expect "UD2 in virtual-8086 mode", 6, 0
    check "  CS", [caught.cs], V86 >> 4
    check "  EIP", [caught.eip], v_ud - v86_code
    check "  SS", [caught.ss], V86 >> 4
    check "  ESP", [caught.esp], V86_STACK
    flags_are "  VM", VM, VM
    in_v86 v_segments, IOPL3
    expect "segments are paragraphs", 6, 0
    check "  what was read through DS", [caught.eax], 0x5a5a1234
    v86_faults "LGDT", v_lgdt, IOPL3, 13
    v86_faults "MOV from CR0", v_cr0, IOPL3, 13
    v86_faults "HLT", v_hlt, IOPL3, 13
    v86_faults "SLDT is undefined", v_sldt, IOPL3, 6
    v86_faults "LAR is undefined", v_lar, IOPL3, 6
    v86_faults "a read beyond 64 KiB", v_limit, IOPL3, 13
    v86_faults "a push that wraps", v_push, IOPL3, 12
    v86_faults "IN of a port that the bitmap denies", v_in, IOPL3, 13
    mov byte [io_bitmap + 0x80 / 8], 0xfe
    in_v86 v_in, IOPL0
    expect "IN of a port that it allows, whatever IOPL is", 6, 0
    mov byte [io_bitmap + 0x80 / 8], 0xff
    in_v86 v_int3, IOPL0
    expect "INT3 through a gate of DPL 0", 13, 3 * 8 + 2
    mov byte [idt + 3 * 8 + 5], 0xee
    in_v86 v_int3, IOPL0
    expect "INT3 goes to protected mode with any IOPL", 3, 0
    in_v86 v_int, IOPL3
    expect "INT n through a gate of DPL 0", 13, VECTOR * 8 + 2
    in_v86 v_int80, IOPL3
    expect "INT n through a gate of DPL 3", 0x80, 0
    ret

flags_without_vme:
    v86_faults "CLI with IOPL 0", v_cli, IOPL0, 13
    v86_faults "STI with IOPL 0", v_sti, IOPL0, 13
    v86_faults "PUSHF with IOPL 0", v_pushf, IOPL0, 13
    v86_faults "POPF with IOPL 0", v_popf, IOPL0, 13
    v86_faults "IRET with IOPL 0", v_iret, IOPL0, 13
    v86_faults "INT n with IOPL 0", v_int80, IOPL0, 13
    in_v86 v_cli, IOPL3 | IF
    expect "CLI with IOPL 3", 6, 0
    flags_are "  clears IF", IF, 0
    in_v86 v_sti, IOPL3
    flags_are "STI with IOPL 3 sets IF", IF, IF
    in_v86 v_pushf, IOPL3 | IF
    mov eax, [caught.eax]
    and eax, 0x3200
    check "PUSHF with IOPL 3 shows IF and IOPL", eax, 0x3200
    in_v86 v_popf, IOPL3
    flags_are "POPF with IOPL 3 loads IF and leaves IOPL", 0x3200, 0x3200
    ret

with_vme:
    in_v86 v_cli, IOPL0 | VIF | IF
    expect "VME: CLI with IOPL 0", 6, 0
    flags_are "  clears VIF, not IF", VIF | IF, IF
    in_v86 v_sti, IOPL0 | IF
    flags_are "VME: STI sets VIF", VIF | IF, VIF | IF
    in_v86 v_sti, IOPL0 | VIP
    expect "VME: STI with VIP", 13, 0
    in_v86 v_pushf, IOPL0 | VIF
    mov eax, [caught.eax]
    and eax, 0x3200
    check "VME: PUSHF shows VIF as IF, and IOPL 3", eax, 0x3200
    in_v86 v_popf, IOPL0
    expect "VME: POPF", 6, 0
    flags_are "  loads VIF from IF", VIF | IF, VIF
    in_v86 v_popf, IOPL0 | VIP
    expect "VME: POPF that sets IF with VIP", 13, 0
    in_v86 v_popf_tf, IOPL0
    expect "VME: POPF that sets TF", 13, 0
    in_v86 v_popfd, IOPL0
    expect "VME: POPFD is not helped", 13, 0
    ; INT n: a clear bit of the redirection map keeps it in virtual-8086 mode.
    mov byte [redirection + VECTOR / 8], 0
    in_v86 v_int, IOPL0 | VIF
    expect "VME: INT n is redirected", 6, 0
    check "  to the vector of the virtual machine", [caught.eip], v_after_handler - v86_code
    check "  its stack holds IP", [V86 + V86_STACK - 6], (V86 >> 4 << 16) | (v_after_int - v86_code)
    flags_are "  VIF is cleared", VIF, 0
    movzx eax, word [V86 + V86_STACK - 2]
    and eax, 0x3200
    check "  the image of FLAGS has VIF as IF", eax, 0x3200
    in_v86 v_int_iret, IOPL0 | VIF
    expect "VME: IRET comes back", 6, 0
    flags_are "  and VIF with it", VIF, VIF
    in_v86 v_int, IOPL3 | IF
    expect "VME: INT n is redirected with IOPL 3, too", 6, 0
    flags_are "  IF is cleared", IF, 0
    mov byte [redirection + VECTOR / 8], 1
    in_v86 v_int, IOPL0
    expect "VME: a set bit leaves INT n to IOPL", 13, 0
    mov byte [redirection + VECTOR / 8], 0
    ret

; CR4.PVI: VIF and VIP in protected mode at CPL 3.
%macro in_user 2
    catch
    push USER_DATA
    push user_stack_top
    push (%2) | 2
    push USER_CODE
    push %1
    iretd
    caught_here
%endmacro
user_cli:
    cli
    int 0x80
user_sti:
    sti
    int 0x80
user_popf:
    push 0x202
    popfd
    int 0x80
pvi:
    in_user user_cli, IOPL0 | IF
    expect "CLI at CPL 3", 13, 0
    mov eax, cr4
    or eax, 2
    mov cr4, eax
    in_user user_cli, IOPL0 | IF | VIF
    expect "PVI: CLI at CPL 3", 0x80, 0
    flags_are "  clears VIF", VIF | IF, IF
    in_user user_sti, IOPL0
    expect "PVI: STI", 0x80, 0
    flags_are "  sets VIF", VIF | IF, VIF
    in_user user_sti, IOPL0 | VIP
    expect "PVI: STI with VIP", 13, 0
    in_user user_popf, IOPL0
    flags_are "PVI does not change POPF", VIF | IF, 0
    mov eax, cr4
    and eax, ~2
    mov cr4, eax
    ret

bits 16
v86_code:
v_ud:
    ud2
v_segments:
    mov ax, (V86 >> 4) + 1
    mov ds, ax
    mov eax, [v_cell - v86_code - 16]
    ud2
v_lgdt:
    o32 lgdt [0]
v_cr0:
    mov eax, cr0
v_hlt:
    hlt
v_sldt:
    sldt ax
v_lar:
    lar ax, cx
v_limit:
    mov bx, 0xffff
    mov ax, [bx]
v_push:
    mov sp, 1
    push ax
v_in:
    in al, 0x80
    ud2
v_int3:
    int3
v_int80:
    int 0x80
v_int:
    int VECTOR
v_after_int:
    ud2
v_int_iret:
    mov word [cs:v_what - v86_code], 1
    int VECTOR
    mov word [cs:v_what - v86_code], 0
    ud2
v_handler:
v86_handler:
    cmp word [cs:v_what - v86_code], 0
    jne v_return
v_after_handler:
    ud2
v_return:
    iret
v_cli:
    cli
    ud2
v_sti:
    sti
    ud2
v_pushf:
    pushf
    pop ax
    ud2
v_popf:
    push word 0x202
    popf
    ud2
v_popf_tf:
    push word 0x102
    popf
    ud2
v_popfd:
    push dword 2
    popfd
v_iret:
    iret
    align 4
v_cell: dd 0x5a5a1234
v_what: dw 0
v86_end:
bits 32
finish
