; Paging with four levels (with FIVE_LEVELS, five): what faults, with which error code and address, and the accessed and dirty
; bits. SDM Vol. 3, 4.5 to 4.8; error codes: 4.7, figure 4-12.
%include "tests/guest/conformance/kit64.inc"

ERR_P equ 1
ERR_W equ 2
ERR_U equ 4
ERR_RSVD equ 8
ERR_FETCH equ 16
ERR_KEY equ 32

; set_entry LABEL, VALUE: an entry of the window's tables
%macro set_entry 2
    mov rax, %2
    mov [%1], rax
    mov rax, WINDOW
    invlpg [rax]
%endmacro
%macro read_window 0
    mov rbx, WINDOW
    mov rax, [rbx]
%endmacro
%macro write_window 0
    mov rbx, WINDOW
    mov [rbx], rax
%endmacro
; set_cr4_bits / clear_cr4_bits MASK, likewise for CR0
%macro set_bits 2
    mov rax, %1
    or rax, %2
    mov %1, rax
%endmacro
%macro clear_bits 2
    mov rax, %1
    and rax, ~(%2)
    mov %1, rax
%endmacro
; sup_faults / user_faults "NAME", ACCESS, error
%macro sup_faults 3
    catch
    %2
    caught_here
    expect %1, 14, %3
    mov rbx, WINDOW
    check "  its address", [caught.cr2], rbx
%endmacro
%macro user_faults 3
    in_user %2
    expect %1, 14, %3
    mov rbx, WINDOW
    check "  its address", [caught.cr2], rbx
%endmacro
%macro fetch_window 0
    mov rbx, WINDOW
    call rbx
%endmacro

main:
    mov byte [frame], 0xc3              ; RET: what fetches execute
    call not_present
    call read_only
    call supervisor_pages
    call no_execute
    call reserved_bits
    call accessed_dirty
    call smep_smap
    call large_pages
    call crossing
    call non_canonical
    call keys
    call supervisor_keys
    call umip
    call invalidation
    ret

user_read:
    mov rbx, WINDOW
    mov rax, [rbx]
    int 0x80
user_write:
    mov rbx, WINDOW
    mov [rbx], rax
    int 0x80
user_fetch:
    mov rbx, WINDOW
    call rbx
    int 0x80

not_present:
    set_entry window_pte, frame + (RW | US)
    sup_faults "absent page, supervisor reads", read_window, 0
    sup_faults "absent page, supervisor writes", write_window, ERR_W
    sup_faults "absent page, supervisor fetches", fetch_window, ERR_FETCH
    user_faults "absent page, user reads", user_read, ERR_U
    user_faults "absent page, user writes", user_write, ERR_U | ERR_W
    user_faults "absent page, user fetches", user_fetch, ERR_U | ERR_FETCH
    set_entry window_pte, frame + (P | RW | US)
    set_entry window_pde, window_pte + (RW | US)
    sup_faults "absent page table", read_window, 0
    set_entry window_pde, window_pte + (P | RW | US)
    set_entry window_pdpte, window_pde + (RW | US)
    sup_faults "absent page directory", read_window, 0
    set_entry window_pdpte, window_pde + (P | RW | US)
    set_entry window_pml4e, window_pdpte + (RW | US)
    sup_faults "absent page-directory-pointer table", read_window, 0
    set_entry window_pml4e, window_pdpte + (P | RW | US)
    in_user user_read
    expect "present page, user reads", 0x80, 0
    ret

read_only:
    set_entry window_pte, frame + (P | US)
    catch
    read_window
    caught_here
    expect "read-only page, supervisor reads", NONE, 0
    sup_faults "read-only page, supervisor writes with CR0.WP", write_window, ERR_P | ERR_W
    user_faults "read-only page, user writes", user_write, ERR_P | ERR_W | ERR_U
    clear_bits cr0, 0x10000
    catch
    mov rbx, WINDOW
    mov byte [rbx + 8], 1
    caught_here
    expect "read-only page, supervisor writes without CR0.WP", NONE, 0
    user_faults "read-only page, user writes without CR0.WP", user_write, ERR_P | ERR_W | ERR_U
    set_bits cr0, 0x10000
    set_entry window_pte, frame + (P | RW | US)
    set_entry window_pde, window_pte + (P | US)
    sup_faults "read-only directory entry, supervisor writes", write_window, ERR_P | ERR_W
    set_entry window_pde, window_pte + (P | RW | US)
    set_entry window_pml4e, window_pdpte + (P | US)
    sup_faults "read-only PML4 entry, supervisor writes", write_window, ERR_P | ERR_W
    set_entry window_pml4e, window_pdpte + (P | RW | US)
    ret

supervisor_pages:
    set_entry window_pte, frame + (P | RW)
    user_faults "supervisor page, user reads", user_read, ERR_P | ERR_U
    user_faults "supervisor page, user writes", user_write, ERR_P | ERR_U | ERR_W
    user_faults "supervisor page, user fetches", user_fetch, ERR_P | ERR_U | ERR_FETCH
    set_entry window_pte, frame + (P | RW | US)
    set_entry window_pdpte, window_pde + (P | RW)
    user_faults "supervisor PDPT entry, user reads", user_read, ERR_P | ERR_U
    set_entry window_pdpte, window_pde + (P | RW | US)
    ret

NX equ 1 << 63
no_execute:
    set_entry window_pte, frame + (P | RW | US) + NX
    sup_faults "NX page, supervisor fetches", fetch_window, ERR_P | ERR_FETCH
    user_faults "NX page, user fetches", user_fetch, ERR_P | ERR_U | ERR_FETCH
    in_user user_read
    expect "NX page, user reads", 0x80, 0
    set_entry window_pte, frame + (P | RW | US)
    set_entry window_pde, window_pte + (P | RW | US) + NX
    user_faults "NX directory entry, user fetches", user_fetch, ERR_P | ERR_U | ERR_FETCH
    set_entry window_pde, window_pte + (P | RW | US)
    in_user user_fetch
    expect "page without NX, user fetches", 0x80, 0
    ; Without EFER.NXE bit 63 is reserved.
    set_entry window_pte, frame + (P | RW | US) + NX
    read_msr 0xc0000080
    mov r12, rax
    and eax, ~0x800
    xor edx, edx
    wrmsr
    sup_faults "bit 63 without EFER.NXE", read_window, ERR_P | ERR_RSVD
    write_msr 0xc0000080, r12
    set_entry window_pte, frame + (P | RW | US)
    ret

reserved_bits:
    mov eax, 0x80000008                 ; the bit above MAXPHYADDR, which -cpu max has below 52
    cpuid
    movzx ecx, al
    mov r12d, 1
    shl r12, cl
    mov rax, frame + (P | RW | US)
    or rax, r12
    set_entry window_pte, rax
    sup_faults "address bit above MAXPHYADDR in a PTE", read_window, ERR_P | ERR_RSVD
    sup_faults "  written", write_window, ERR_P | ERR_RSVD | ERR_W
    user_faults "  read by the user", user_read, ERR_P | ERR_RSVD | ERR_U
    user_faults "  fetched by the user", user_fetch, ERR_P | ERR_RSVD | ERR_U | ERR_FETCH
    set_entry window_pte, frame + (P | RW | US)
    set_entry window_pml4e, window_pdpte + (P | RW | US | LARGE)
    sup_faults "PS in a PML4 entry", read_window, ERR_P | ERR_RSVD
    set_entry window_pml4e, window_pdpte + (P | RW | US)
    set_entry window_pde, 0x2000 + (P | RW | US | LARGE)
    sup_faults "address bit 13 of a 2 MiB page", read_window, ERR_P | ERR_RSVD
    set_entry window_pde, window_pte + (P | RW | US)
    set_entry window_pdpte, 0x200000 + (P | RW | US | LARGE)
    sup_faults "address bit 21 of a 1 GiB page", read_window, ERR_P | ERR_RSVD
    set_entry window_pdpte, window_pde + (P | RW | US)
    ; Not present: reserved bits do not count.
    mov rax, frame
    or rax, r12
    set_entry window_pte, rax
    sup_faults "reserved bits of an absent page", read_window, 0
    set_entry window_pte, frame + (P | RW | US)
    ret

accessed_dirty:
    set_entry window_pml4e, window_pdpte + (P | RW | US)
    set_entry window_pdpte, window_pde + (P | RW | US)
    set_entry window_pde, window_pte + (P | RW | US)
    set_entry window_pte, frame + (P | RW | US)
    read_window
    check "a read sets A in the PTE and not D", [window_pte], frame + (P | RW | US | ACCESSED)
    check "  A in the PDE", [window_pde], window_pte + (P | RW | US | ACCESSED)
    check "  A in the PDPTE", [window_pdpte], window_pde + (P | RW | US | ACCESSED)
    check "  A in the PML4E", [window_pml4e], window_pdpte + (P | RW | US | ACCESSED)
    mov eax, [frame]
    write_window
    check "a write sets D, after a read too", [window_pte], frame + (P | RW | US | ACCESSED | DIRTY)
    set_entry window_pte, frame + (P | RW | US)
    mov rbx, WINDOW
    lock add qword [rbx], 0
    check "a locked addition sets A and D", [window_pte], frame + (P | RW | US | ACCESSED | DIRTY)
    set_entry window_pte, frame + (P | US | ACCESSED)
    catch
    write_window
    caught_here
    check "a write that faults leaves D", [window_pte], frame + (P | US | ACCESSED)
    set_entry window_pde, 0 + (P | RW | US | LARGE)
    read_window
    check "a read sets A of a 2 MiB page", [window_pde], 0 + (P | RW | US | LARGE | ACCESSED)
    set_entry window_pde, 0 + (P | RW | US | LARGE)
    mov rbx, WINDOW + frame             ; frame lies in the first 2 MiB
    mov rax, [rbx]
    mov [rbx], rax
    check "a write sets D of a 2 MiB page", [window_pde], 0 + (P | RW | US | LARGE | ACCESSED | DIRTY)
    set_entry window_pde, window_pte + (P | RW | US)
    set_entry window_pte, frame + (P | RW | US)
    ret

AC equ 0x40000
smep_smap:
    set_bits cr4, 1 << 20               ; SMEP
    sup_faults "SMEP: supervisor fetches from a user page", fetch_window, ERR_P | ERR_FETCH
    clear_bits cr4, 1 << 20
    set_bits cr4, 1 << 21               ; SMAP
    clac
    sup_faults "SMAP: supervisor reads a user page", read_window, ERR_P
    sup_faults "SMAP: supervisor writes a user page", write_window, ERR_P | ERR_W
    stac
    catch
    read_window
    caught_here
    expect "SMAP: with EFLAGS.AC", NONE, 0
    ; Loads of descriptors are implicit: AC does not help them (SDM Vol. 3, 4.6). An LDT in the window.
    mov rax, 0x00cf93000000ffff
    mov [frame + 64], rax
    mov rax, WINDOW
    system_descriptor SPARE, rax, 0xfff, 0x82
    mov ax, SPARE
    lldt ax
    catch
    mov ax, 64 | 4
    mov es, ax
    caught_here
    expect "SMAP: a descriptor in a user page, with AC", 14, ERR_P
    check "  its address", [caught.cr2], WINDOW + 64
    xor eax, eax
    lldt ax
    clac
    in_user user_read
    expect "SMAP: user reads", 0x80, 0
    clear_bits cr4, 1 << 21
    catch
    stac
    caught_here
    expect "STAC without CR4.SMAP executes", NONE, 0
    clac
    ret

large_pages:
    mov rax, 0x1122334455667788
    mov [frame + 16], rax
    set_entry window_pde, 0 + (P | RW | US | LARGE)
    mov rbx, WINDOW + frame + 16
    check "2 MiB page shows its memory", [rbx], qword [frame + 16]
    set_entry window_pdpte, 0 + (P | RW | US | LARGE)
    mov rbx, WINDOW + frame + 16
    check "1 GiB page shows its memory", [rbx], qword [frame + 16]
    set_entry window_pdpte, window_pde + (P | RW | US)
    set_entry window_pde, window_pte + (P | RW | US)
    ret

crossing:                               ; the page behind the window is absent
    mov rbx, WINDOW + 4096
    mov qword [frame + 4088], -1
    catch
    mov qword [rbx - 4], 0
    caught_here
    expect "a write across into an absent page", 14, ERR_W
    check "  its address is the second page's", [caught.cr2], rbx
    check "  and nothing is written", [frame + 4088], -1
    catch
    mov rax, [rbx - 1]
    caught_here
    expect "a read across into an absent page", 14, 0
    check "  its address is the second page's", [caught.cr2], rbx
    catch
    lock add dword [rbx - 2], 1
    caught_here
    expect "a locked addition across into an absent page", 14, ERR_W
    check "  leaves the first page", [frame + 4088], -1
    mov byte [frame + 4095], 0x90       ; a NOP, then an instruction of the absent page
    catch
    mov rax, WINDOW + 4095
    call rax
    caught_here
    expect "a fetch runs into an absent page", 14, ERR_FETCH
    check "  at the second page", [caught.rip], rbx
    mov byte [frame + 4095], 0x48       ; half of an instruction
    catch
    mov rax, WINDOW + 4095
    call rax
    caught_here
    check "a fetch of half an instruction: RIP", [caught.rip], WINDOW + 4095
    check "  and CR2", [caught.cr2], rbx
    ret

non_canonical:
    mov rbx, HOLE
    catch
    mov rax, [rbx]
    caught_here
    expect "a non-canonical address is #GP(0)", 13, 0
    catch
    mov rax, [rbx - 4]
    caught_here
    expect "one that runs into the hole too", 13, 0
    mov rbp, rbx
    catch
    mov rax, [rbp]
    caught_here
    expect "through RBP it is #SS(0)", 12, 0
    catch
    jmp rbx
    caught_here
    expect "a jump there is #GP(0)", 13, 0
    catch
    mov rsp, rbx
    push rax
    caught_here
    expect "a push below the hole is done to a page", 14, ERR_W
    catch
    lea rsp, [rbx + 8]
    push rax
    caught_here
    expect "a push above is #SS(0)", 12, 0
    ret

keys:                                   ; SDM Vol. 3, 4.6.2
    set_bits cr4, 1 << 22               ; PKE
    set_entry window_pte, frame + (P | RW | US) + (5 << 59)
    xor ecx, ecx
    xor edx, edx
    mov eax, 1 << 10                    ; access disabled for key 5
    wrpkru
    user_faults "PKU, AD: user reads", user_read, ERR_P | ERR_U | ERR_KEY
    sup_faults "PKU, AD: supervisor reads a user page", read_window, ERR_P | ERR_KEY
    mov byte [frame + 1], 0xc3
    in_user user_fetch
    expect "PKU, AD: fetches go on", 0x80, 0
    xor ecx, ecx
    xor edx, edx
    mov eax, 2 << 10                    ; writes disabled
    wrpkru
    in_user user_read
    expect "PKU, WD: user reads", 0x80, 0
    user_faults "PKU, WD: user writes", user_write, ERR_P | ERR_U | ERR_W | ERR_KEY
    sup_faults "PKU, WD: supervisor writes with CR0.WP", write_window, ERR_P | ERR_W | ERR_KEY
    clear_bits cr0, 0x10000
    catch
    mov eax, [frame]
    write_window
    caught_here
    expect "PKU, WD: supervisor writes without CR0.WP", NONE, 0
    set_bits cr0, 0x10000
    set_entry window_pte, frame + (P | RW) + (5 << 59)
    catch
    mov eax, [frame]
    write_window
    caught_here
    expect "PKU: supervisor pages have no such keys", NONE, 0
    xor ecx, ecx
    xor edx, edx
    xor eax, eax
    wrpkru
    catch
    mov ecx, 1
    rdpkru
    caught_here
    expect "RDPKRU with ECX = 1", 13, 0
    clear_bits cr4, 1 << 22
    catch
    xor ecx, ecx
    rdpkru
    caught_here
    expect "RDPKRU without CR4.PKE", 6, 0
    set_entry window_pte, frame + (P | RW | US)
    ret

supervisor_keys:
    set_bits cr4, 1 << 24               ; PKS
    set_entry window_pte, frame + (P | RW) + (3 << 59)
    write_msr 0x6e1, 1 << 6
    sup_faults "PKS, AD: supervisor reads", read_window, ERR_P | ERR_KEY
    write_msr 0x6e1, 2 << 6
    sup_faults "PKS, WD: supervisor writes", write_window, ERR_P | ERR_W | ERR_KEY
    catch
    read_window
    caught_here
    expect "PKS, WD: supervisor reads", NONE, 0
    write_msr 0x6e1, 0
    catch
    write_msr 0x6e1, 1 << 32
    caught_here
    expect "IA32_PKRS has 32 bits", 13, 0
    clear_bits cr4, 1 << 24
    set_entry window_pte, frame + (P | RW | US)
    ret

user_sgdt:
    sgdt [scratch]
    int 0x80
user_sidt:
    sidt [scratch]
    int 0x80
user_sldt:
    sldt eax
    int 0x80
user_str:
    str eax
    int 0x80
user_smsw:
    smsw eax
    int 0x80
umip:
    set_bits cr4, 1 << 11
    in_user user_sgdt
    expect "UMIP: SGDT", 13, 0
    in_user user_sidt
    expect "UMIP: SIDT", 13, 0
    in_user user_sldt
    expect "UMIP: SLDT", 13, 0
    in_user user_str
    expect "UMIP: STR", 13, 0
    in_user user_smsw
    expect "UMIP: SMSW", 13, 0
    catch
    smsw eax
    caught_here
    expect "UMIP: SMSW of the supervisor", NONE, 0
    clear_bits cr4, 1 << 11
    in_user user_smsw
    expect "SMSW without UMIP", 0x80, 0
    ret

invalidation:
    mov qword [frame], 1
    mov qword [frame + 4096], 2
    set_entry window_pte, frame + (P | RW | US)
    read_window
    mov rax, frame + 4096 + (P | RW | US)
    mov [window_pte], rax
    mov rbx, WINDOW
    invlpg [rbx]
    check "INVLPG shows the new page", [rbx], 2
    mov rax, frame + (P | RW | US)
    mov [window_pte], rax
    mov rax, cr3
    mov cr3, rax
    check "so does a load of CR3", [rbx], 1
    set_bits cr4, 0x80                  ; PGE
    mov rax, frame + (P | RW | US | GLOBAL_PAGE)
    mov [window_pte], rax
    invlpg [rbx]
    mov rax, [rbx]
    mov rax, frame + 4096 + (P | RW | US | GLOBAL_PAGE)
    mov [window_pte], rax
    mov rax, cr4
    xor rax, 0x80
    mov cr4, rax
    xor rax, 0x80
    mov cr4, rax
    check "a change of CR4.PGE drops global pages", [rbx], 2
    mov rax, frame + (P | RW | US | GLOBAL_PAGE)
    mov [window_pte], rax
    invlpg [rbx]
    check "INVLPG drops global pages", [rbx], 1
    clear_bits cr4, 0x80
    ret

    align 8
scratch: times 16 db 0
finish
