; The paging modes of protected mode: 32-bit with 4 KiB and 4 MiB pages, and PAE. SDM Vol. 3, 4.3, 4.4, 4.7.
%include "tests/guest/conformance/kit32.inc"

P equ 1
RW equ 2
US equ 4
ACCESSED equ 0x20
DIRTY equ 0x40
LARGE equ 0x80
ERR_P equ 1
ERR_W equ 2
ERR_U equ 4
ERR_RSVD equ 8
ERR_FETCH equ 16

WINDOW equ 0x40000000
directory equ pages             ; 32-bit paging
table equ pages + 0x1000        ; of the window
frame equ pages + 0x2000        ; two pages
pdpt equ pages + 0x4000         ; PAE
pdirs equ pages + 0x5000        ; two directories: the first GiB and the window's
pae_table equ pages + 0x7000

%macro set_entry 2              ; address, value: of the window's
    mov dword [%1], %2
    invlpg [WINDOW]
%endmacro
%macro in_user 1
    catch
    push USER_DATA
    push user_stack_top
    push 2
    push USER_CODE
    push %1
    iretd
    caught_here
%endmacro
%macro faults 3                 ; "NAME", error; what faults is executed in between by the caller
    expect %1, 14, %2
    check "  CR2", [caught.cr2], %3
%endmacro
%macro sup_read 2
    catch
    mov eax, [WINDOW]
    caught_here
    faults %1, %2, WINDOW
%endmacro
%macro sup_write 2
    catch
    mov [WINDOW], eax
    caught_here
    faults %1, %2, WINDOW
%endmacro
%macro user 3                   ; "NAME", routine, error
    in_user %2
    faults %1, %3, WINDOW
%endmacro
%macro set_bits 2
    mov eax, %1
    or eax, %2
    mov %1, eax
%endmacro
%macro clear_bits 2
    mov eax, %1
    and eax, ~(%2)
    mov %1, eax
%endmacro

%macro user_segments 0
    mov ax, USER_DATA
    mov ds, ax
%endmacro
user_read:
    user_segments
    mov eax, [WINDOW]
    int 0x80
user_write:
    user_segments
    mov [WINDOW], eax
    int 0x80
user_fetch:
    mov eax, WINDOW
    call eax
    int 0x80

main:
    call legacy
    call pae
    ret

legacy:
    mov edi, directory          ; the first GiB one to one, by pages of 4 MiB, for users too
    mov eax, P | RW | US | LARGE
    mov ecx, 256
.fill:
    mov [edi], eax
    add eax, 0x400000
    add edi, 4
    loop .fill
    mov dword [directory + 4 * (WINDOW >> 22)], table + (P | RW | US)
    mov dword [table], frame + (P | RW | US)
    mov byte [frame], 0xc3
    set_bits cr4, 0x10          ; PSE
    mov eax, directory
    mov cr3, eax
    set_bits cr0, 0x80010000    ; PG, WP
    set_entry table, frame + (RW | US)
    sup_read "absent page, read", 0
    sup_write "absent page, written", ERR_W
    user "absent page, user reads", user_read, ERR_U
    user "absent page, user fetches: no I bit without NX and SMEP", user_fetch, ERR_U
    set_entry table, frame + (P | US)
    sup_write "read-only page with CR0.WP", ERR_P | ERR_W
    user "read-only page, user writes", user_write, ERR_P | ERR_W | ERR_U
    clear_bits cr0, 0x10000
    catch
    mov byte [WINDOW + 8], 1
    caught_here
    expect "read-only page without CR0.WP", NONE, 0
    set_bits cr0, 0x10000
    set_entry table, frame + (P | RW)
    user "supervisor page, user reads", user_read, ERR_P | ERR_U
    set_entry table, frame + (P | RW | US)
    set_entry directory + 4 * (WINDOW >> 22), table + (P | US)
    sup_write "read-only directory entry", ERR_P | ERR_W
    set_entry directory + 4 * (WINDOW >> 22), table + (P | RW | US)
    mov eax, [WINDOW]
    check "a read sets A", [table], frame + (P | RW | US | ACCESSED)
    check "  in the directory, too", [directory + 4 * (WINDOW >> 22)], table + (P | RW | US | ACCESSED)
    mov [WINDOW], eax
    check "a write sets D", [table], frame + (P | RW | US | ACCESSED | DIRTY)
    mov dword [frame + 16], 0x11223344
    set_entry directory + 4 * (WINDOW >> 22), P | RW | US | LARGE
    mov eax, WINDOW + frame + 16
    check "a 4 MiB page", [eax], [frame + 16]
    set_entry directory + 4 * (WINDOW >> 22), P | RW | US | LARGE | (1 << 21)
    sup_read "bit 21 of a 4 MiB page", ERR_P | ERR_RSVD
    set_entry directory + 4 * (WINDOW >> 22), table + (P | RW | US)
    set_entry table, frame + (P | RW | US)
    clear_bits cr0, 0x80000000
    ret
PAE_PTE equ pae_table
PAE_PDE equ pdirs + 0x1000

pae:
    mov edi, pdirs              ; the first GiB by pages of 2 MiB
    mov eax, P | RW | US | LARGE
    mov ecx, 512
.fill:
    mov [edi], eax
    mov dword [edi + 4], 0
    add eax, 0x200000
    add edi, 8
    loop .fill
    mov dword [pdpt], pdirs + P
    mov dword [pdpt + 8], pdirs + 0x1000 + P
    mov dword [PAE_PDE], pae_table + (P | RW | US)
    mov dword [PAE_PTE], frame + (P | RW | US)
    mov eax, cr4
    or eax, 0x20                ; PAE
    mov cr4, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x800               ; NXE
    wrmsr
    mov eax, pdpt
    mov cr3, eax
    set_bits cr0, 0x80000000
    mov dword [frame], 0x77
    check "PAE shows the page", [WINDOW], 0x77
    check "  and sets A", [PAE_PTE], frame + (P | RW | US | ACCESSED)
    set_entry PAE_PTE, frame + (P | US)
    sup_write "PAE: read-only page", ERR_P | ERR_W
    set_entry PAE_PTE, frame + (P | RW)
    user "PAE: supervisor page, user writes", user_write, ERR_P | ERR_W | ERR_U
    set_entry PAE_PTE, frame + (P | RW | US)
    mov dword [PAE_PTE + 4], 1 << 31            ; NX
    invlpg [WINDOW]
    user "PAE: NX page, user fetches", user_fetch, ERR_P | ERR_U | ERR_FETCH
    mov dword [PAE_PTE + 4], 1 << 30            ; bit 62
    invlpg [WINDOW]
    sup_read "PAE: bits 62 to 52 are reserved", ERR_P | ERR_RSVD
    mov dword [PAE_PTE + 4], 0
    set_entry PAE_PDE, P | RW | US | LARGE | 0x2000
    sup_read "PAE: bit 13 of a 2 MiB page", ERR_P | ERR_RSVD
    set_entry PAE_PDE, P | RW | US | LARGE
    mov dword [frame + 16], 0x55667788
    mov eax, WINDOW + frame + 16
    check "PAE: a 2 MiB page", [eax], [frame + 16]
    set_entry PAE_PDE, pae_table + (P | RW | US)
    ; The PDPTEs are in registers, which CR3 loads.
    mov dword [pdpt + 8], 0
    invlpg [WINDOW]
    catch
    mov eax, [WINDOW]
    caught_here
    expect "a PDPTE written in memory has no effect", NONE, 0
    mov eax, cr3
    mov cr3, eax
    sup_read "  until CR3 is loaded", 0
    mov dword [pdpt + 8], pdirs + 0x1000 + P + RW
    catch
    mov eax, cr3
    mov cr3, eax
    caught_here
    expect "a reserved bit of a PDPTE: the load of CR3 is #GP(0)", 13, 0
    mov dword [pdpt + 8], pdirs + 0x1000 + P
    mov eax, cr3
    mov cr3, eax
    check "and right again", [WINDOW], 0x77
    ret
finish
