; Segments: limits, types, privilege, loads. In compatibility mode, whose segments are those of protected
; mode. SDM Vol. 3, 5.2 to 5.8; Vol. 2, MOV to a segment register, LAR, LSL, VERR, VERW, ARPL.
%include "tests/guest/conformance/kit64.inc"

DATA16 equ SPARE                ; 16-byte segments at `area`, by type
DOWN equ SPARE + 8
OTHER equ SPARE + 16

; descriptor SELECTOR, BASE, LIMIT (20 bits), TYPE (P, DPL, S, type), FLAGS (G, D, L, AVL)
%macro descriptor 5
    mov rax, %2
    mov word [gdt + %1], %3 & 0xffff
    mov [gdt + %1 + 2], ax
    shr rax, 16
    mov [gdt + %1 + 4], al
    mov byte [gdt + %1 + 5], %4
    mov byte [gdt + %1 + 6], (%5 << 4) | ((%3) >> 16)
    mov [gdt + %1 + 7], ah
%endmacro
; in_compat LABEL: at CPL 0, until it faults or does INT 0x80
%macro in_compat 1
    catch
    push qword KERNEL_CODE32
    push qword %1
    o64 retf
    caught_here
    mov ax, KERNEL_DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
%endmacro

; Small routines of 32-bit code. EBX is the offset, DX the selector.
bits 32
read_ds:
    mov ds, edx
    mov eax, [ebx]
    int 0x80
write_ds:
    mov ds, edx
    mov [ebx], eax
    int 0x80
read_byte_ds:
    mov ds, edx
    mov al, [ebx]
    int 0x80
read_ss:
    mov ss, edx
    mov eax, [ss:ebx]
    int 0x80
push_ss:
    mov ss, edx
    mov esp, ebx
    push eax
    int 0x80
read_code_here:
    mov eax, [cs:ebx]
    int 0x80
write_code_here:
    mov [cs:ebx], eax
    int 0x80
jump_far:
    push edx
    push ebx
    retf
call_near:
    call ebx
    int 0x80
bound_it:
    mov eax, 5
    bound eax, [ebx]
    int 0x80
arpl_it:
    mov eax, 0x10
    mov ecx, 0x13
    arpl ax, cx
    setz dl
    int 0x80
landed32:
    int 0x80
bits 64

%macro with 3                           ; routine, selector, offset
    mov edx, %2
    mov ebx, %3
    in_compat %1
%endmacro

main:
    call limits
    call types
    call loads
    call code_loads
    call queries
    call odd_instructions
    ret

limits:
    descriptor DATA16, area, 15, 0x93, 4
    with read_ds, DATA16, 12
    expect "the last four bytes of a segment", 0x80, 0
    with read_ds, DATA16, 13
    expect "one beyond is #GP(0)", 13, 0
    with write_ds, DATA16, 13
    expect "written too", 13, 0
    with read_byte_ds, DATA16, 15
    expect "its last byte", 0x80, 0
    with read_byte_ds, DATA16, 16
    expect "the byte behind", 13, 0
    with read_ds, DATA16, -2
    expect "an access that wraps", 13, 0
    with read_ss, DATA16, 13
    expect "through SS it is #SS(0)", 12, 0
    with push_ss, DATA16, 2
    expect "a push that wraps below 0", 12, 0
    with push_ss, DATA16, 16
    expect "a push to the top", 0x80, 0
    descriptor DOWN, area, 15, 0x97, 4  ; valid above 15
    with read_byte_ds, DOWN, 15
    expect "expand-down: the limit itself", 13, 0
    with read_byte_ds, DOWN, 16
    expect "expand-down: above it", 0x80, 0
    with read_byte_ds, DOWN, 0x10000
    expect "expand-down, B set: above 64 KiB", 0x80, 0
    descriptor DOWN, area, 15, 0x97, 0
    with read_byte_ds, DOWN, 0xffff
    expect "expand-down, B clear: 64 KiB", 0x80, 0
    with read_byte_ds, DOWN, 0x10000
    expect "expand-down, B clear: above", 13, 0
    descriptor DATA16, 0, 0, 0x93, 12   ; one page
    with read_ds, DATA16, 0xffc
    expect "a limit of pages", 0x80, 0
    with read_ds, DATA16, 0xffd
    expect "a limit of pages, beyond", 13, 0
    descriptor OTHER, 0, 0x100, 0x9b, 12        ; code up to 0x100fff
    with jump_far, OTHER, 0x200000
    expect "a far jump beyond the code segment", 13, 0
    ret

types:
    descriptor DATA16, area, 0xfff, 0x91, 4
    with read_ds, DATA16, 0
    expect "a read-only segment, read", 0x80, 0
    with write_ds, DATA16, 0
    expect "a read-only segment, written", 13, 0
    descriptor DATA16, 0, 0xfffff, 0x99, 12     ; execute only
    with read_ds, DATA16, 0
    expect "an execute-only segment in DS", 13, DATA16
    descriptor DATA16, 0, 0xfffff, 0x9b, 12
    with read_ds, DATA16, area
    expect "a readable code segment in DS, read", 0x80, 0
    with write_ds, DATA16, area
    expect "  written", 13, 0
    with write_code_here, 0, area
    expect "a write through CS", 13, 0
    with read_ds, 0, area
    expect "a null DS", 13, 0
    with read_ds, 3, area
    expect "a null DS with RPL 3", 13, 0
    descriptor DATA16, area, 0xfff, 0x92, 4
    with read_ds, DATA16, 0
    movzx rax, byte [gdt + DATA16 + 5]
    check "a load sets the accessed bit", rax, 0x93
    ret

loads:
    descriptor DATA16, area, 0xfff, 0x13, 4
    with read_ds, DATA16, 0
    expect "DS: not present", 11, DATA16
    with read_ss, DATA16, 0
    expect "SS: not present", 12, DATA16
    descriptor DATA16, area, 0xfff, 0x91, 4
    with read_ss, DATA16, 0
    expect "SS: read-only", 13, DATA16
    with read_ss, 0, 0
    expect "SS: null", 13, 0
    with read_ss, USER_DATA, 0
    expect "SS: RPL and DPL 3 at CPL 0", 13, USER_DATA & ~3
    with read_ss, KERNEL_DATA | 1, 0
    expect "SS: RPL 1", 13, KERNEL_DATA
    with read_ss, KERNEL_CODE32, 0
    expect "SS: code", 13, KERNEL_CODE32
    with read_ds, KERNEL_DATA | 3, 0
    expect "DS: RPL 3 with DPL 0", 13, KERNEL_DATA
    with read_ds, TASK, 0
    expect "DS: a system segment", 13, TASK
    with read_ds, 0x1000, 0
    expect "DS: beyond the GDT", 13, 0x1000
    with read_ds, 0x14, 0
    expect "DS: of an LDT that is not there", 13, 0x14
    with read_ds, gdt_end - gdt, 0
    expect "DS: the first selector beyond", 13, gdt_end - gdt
    catch
    mov ax, 0
    mov ss, ax
    caught_here
    expect "64-bit mode takes a null SS at CPL 0", NONE, 0
    mov ax, KERNEL_DATA
    mov ss, ax
    in_user user_null_ss
    expect "  not at CPL 3", 13, 0
    ret
user_null_ss:
    mov ax, 3
    mov ss, ax
    int 0x80

code_loads:
    with jump_far, 0, landed32
    expect "RETF to a null CS", 13, 0
    with jump_far, KERNEL_DATA, landed32
    expect "RETF to data", 13, KERNEL_DATA
    with jump_far, 0x1000, landed32
    expect "RETF beyond the GDT", 13, 0x1000
    descriptor OTHER, 0, 0xfffff, 0x1b, 12
    with jump_far, OTHER, landed32
    expect "RETF to code that is not present", 11, OTHER
    descriptor OTHER, 0, 0xfffff, 0xfb, 12
    with jump_far, OTHER, landed32
    expect "RETF to DPL 3 with RPL 0", 13, OTHER
    descriptor OTHER, 0, 0xfffff, 0x9b, 14      ; L and D
    with jump_far, OTHER, landed32
    expect "RETF to code with L and D", 13, OTHER
    descriptor OTHER, 0, 0xfffff, 0x9f, 12      ; conforming
    with jump_far, OTHER, landed32
    expect "RETF to conforming code", 0x80, 0
    descriptor OTHER, 0, 0xfffff, 0x9a, 12
    with jump_far, OTHER, landed32
    movzx rax, byte [gdt + OTHER + 5]
    check "  sets the accessed bit", rax, 0x9b
    descriptor OTHER, 0, 0x1ff, 0x9b, 12        ; up to 2 MiB
    with jump_far, OTHER, near_end
    expect "code runs over its segment's end", 13, 0
    ret
near_end equ 0x1fffff

%macro query 4                          ; "NAME", instruction, selector, value or -1 for ZF = 0
    mov ecx, %3
    mov eax, -1
    %2 eax, ecx
    mov ebx, -1
    cmovz rbx, rax
    mov eax, ebx
    mov r12d, %4
    check %1, rax, r12
%endmacro
%macro verify 4                         ; "NAME", instruction, selector, ZF
    mov ecx, %3
    %2 cx
    setz al
    movzx eax, al
    check %1, rax, %4
%endmacro

queries:
    descriptor DATA16, area, 15, 0x93, 4
    query "LAR of data", lar, DATA16, 0x409300
    query "LSL of data", lsl, DATA16, 15
    query "LSL of pages", lsl, KERNEL_DATA, 0xffffffff
    query "LAR of the null selector", lar, 0, -1
    query "LAR of a TSS", lar, TASK, 0x8b00
    query "LSL of a TSS", lsl, TASK, tss_end - tss - 1
    query "LAR beyond the GDT", lar, 0x1000, -1
    descriptor OTHER, 0, 15, 0x8e, 0            ; an interrupt gate's type
    query "LAR of an interrupt gate", lar, OTHER, -1
    descriptor OTHER, 0, 15, 0x8c, 0
    query "LAR of a call gate", lar, OTHER, 0x8c00
    query "LSL of a call gate", lsl, OTHER, -1
    query "LAR of DPL 0 with RPL 3", lar, KERNEL_DATA | 3, -1
    verify "VERR of data", verr, DATA16, 1
    verify "VERW of data", verw, DATA16, 1
    verify "VERW of code", verw, KERNEL_CODE, 0
    verify "VERR of code", verr, KERNEL_CODE, 1
    descriptor OTHER, 0, 15, 0x99, 0
    verify "VERR of execute-only code", verr, OTHER, 0
    verify "VERR of a TSS", verr, TASK, 0
    verify "VERR of the null selector", verr, 0, 0
    ret

odd_instructions:
    mov dword [area], 0
    mov dword [area + 4], 4
    with bound_it, 0, area
    expect "BOUND out of range", 5, 0
    mov dword [area + 4], 5
    with bound_it, 0, area
    expect "BOUND at the upper bound", 0x80, 0
    in_compat arpl_it
    check "ARPL raises the RPL", [caught.rax], 0x13
    check "  and sets ZF", rdx, 1
    ; 64-bit mode takes no account of limits.
    descriptor DATA16, 0x1000, 0, 0x93, 4
    mov ax, DATA16
    mov ds, ax
    mov eax, [abs area]
    catch
    mov eax, [area]
    caught_here
    expect "64-bit mode: DS has no base and no limit", NONE, 0
    mov ax, KERNEL_DATA
    mov ds, ax
    ; FS and GS have a base.
    descriptor DATA16, area, 0, 0x93, 4
    mov dword [area + 64], 0x77
    mov ax, DATA16
    mov fs, ax
    mov eax, [fs:64]
    check "64-bit mode: FS has a base and no limit", rax, 0x77
    write_msr 0xc0000100, area + 60
    mov eax, [fs:4]
    check "  which the MSR sets", rax, 0x77
    xor eax, eax
    mov fs, ax
    read_msr 0xc0000100
    mov [area + 128], rax
    write_msr 0xc0000101, 0x1111
    write_msr 0xc0000102, 0x2222
    swapgs
    read_msr 0xc0000101
    check "SWAPGS", rax, 0x2222
    read_msr 0xc0000102
    check "  both ways", rax, 0x1111
    ret

    align 4096, db 0
area: times 4096 db 0
finish
