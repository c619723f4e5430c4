; Debug registers and exceptions. SDM Vol. 3, 17.2 "Debug Registers" and 17.3 "Debug Exceptions".
%include "tests/guest/conformance/kit64.inc"

TF equ 0x100
RF equ 0x10000
DR6_CLEAR equ 0xffff0ff0
BD equ 1 << 13
BS equ 1 << 14
; DR7: enable bit of register N, its kind (0 code, 1 writes, 2 I/O, 3 reads and writes), length - 1
%define WATCH(n, kind, length) ((2 << (2 * n)) | (kind << (16 + 4 * n)) | ((length) << (18 + 4 * n)))

%macro set_dr 2
    mov rax, %2
    mov dr%1, rax
%endmacro
%macro quiet 0                  ; no breakpoints, nothing in DR6
    set_dr 7, 0x400
    set_dr 6, DR6_CLEAR
%endmacro
%macro trap_follows 3           ; "NAME", label behind the instruction, bits of DR6
    expect %1, 1, 0
    check "  RIP", [caught.rip], %2
    check "  DR6", [caught.dr6], DR6_CLEAR | %3
%endmacro

main:
    quiet
    call code_breakpoints
    call data_breakpoints
    call io_breakpoints
    call single_steps
    call icebp_int3
    call registers
    call general_detect
    ret

code_breakpoints:
    set_dr 0, bp_here
    set_dr 7, WATCH(0, 0, 0)
    catch
    xor ecx, ecx
bp_here:
    inc ecx
    caught_here
    trap_follows "a code breakpoint is a fault", bp_here, 1
    check "  the instruction is not executed", rcx, 0
    check "  RF is not set for its handler's return", [caught.rflags], 0x46
    quiet
    set_dr 0, rf_here
    set_dr 1, rf_next
    set_dr 7, WATCH(0, 0, 0) | WATCH(1, 0, 0)
    catch
    xor ecx, ecx
    mov rax, rsp
    push KERNEL_DATA
    push rax
    push 2 | RF
    push KERNEL_CODE
    lea rax, [rf_here]
    push rax
    iretq
rf_here:
    inc ecx
rf_next:
    inc ecx
    caught_here
    trap_follows "RF hides the breakpoint of one instruction only", rf_next, 2
    check "  which is executed", rcx, 1
    quiet
    set_dr 2, bp_here
    set_dr 7, 0x400
    catch
    nop
    caught_here
    expect "a breakpoint that is not enabled", NONE, 0
    ret

data_breakpoints:
    set_dr 1, cell
    set_dr 7, WATCH(1, 1, 3)            ; writes, 4 bytes
    catch
    mov dword [cell], 5
wrote:
    nop
    caught_here
    trap_follows "a write breakpoint is a trap", wrote, 2
    mov eax, [cell]
    check "  the write is done", rax, 5
    set_dr 6, DR6_CLEAR
    catch
    mov eax, [cell]
    caught_here
    expect "a write breakpoint lets reads go", NONE, 0
    catch
    mov byte [cell + 3], 1
wrote_last:
    caught_here
    trap_follows "its last byte", wrote_last, 2
    set_dr 6, DR6_CLEAR
    catch
    mov byte [cell + 4], 1
    caught_here
    expect "the byte behind", NONE, 0
    catch
    mov qword [cell - 7], 1
wrote_across:
    caught_here
    trap_follows "a write that begins before", wrote_across, 2
    set_dr 6, DR6_CLEAR
    set_dr 7, WATCH(1, 3, 2)            ; 8 bytes (length code 2), reads and writes
    catch
    cmp byte [cell + 7], 0
read_eighth:
    caught_here
    trap_follows "a breakpoint of eight bytes, read", read_eighth, 2
    set_dr 6, DR6_CLEAR
    catch
    push qword [cell]
pushed:
    caught_here
    trap_follows "a PUSH that reads it", pushed, 2
    set_dr 6, DR6_CLEAR
    lea rsi, [cell - 16]
    lea rdi, [elsewhere]
    mov ecx, 8
    catch
moving:
    rep movsq
    caught_here
    trap_follows "REP MOVS stops behind the iteration that reads it", moving, 2
    check "  RCX", rcx, 5
    quiet
    ret

io_breakpoints:
    set_dr 3, 0x80
    set_dr 7, WATCH(3, 2, 0)
    mov rax, cr4
    or eax, 8                           ; DE
    mov cr4, rax
    catch
    out 0x80, al
did_io:
    caught_here
    trap_follows "an I/O breakpoint is a trap", did_io, 8
    set_dr 6, DR6_CLEAR
    catch
    out 0x84, al
    caught_here
    expect "another port", NONE, 0
    quiet
    mov rax, cr4
    and eax, ~8
    mov cr4, rax
    ret

%macro set_tf 0
    pushfq
    or qword [rsp], TF
    popfq
%endmacro

single_steps:
    catch
    xor ecx, ecx
    set_tf
    inc ecx
stepped:
    inc ecx
    caught_here
    trap_follows "TF traps behind the instruction after POPF", stepped, BS
    check "  one was executed", rcx, 1
    set_dr 6, DR6_CLEAR
    catch
    xor ecx, ecx
    set_tf
    mov ax, KERNEL_DATA
    mov ss, ax                          ; trapped before: behind the MOV AX
    caught_here
    set_dr 6, DR6_CLEAR
    catch
    mov ax, KERNEL_DATA
    xor ecx, ecx
    set_tf
    mov ss, ax
    inc ecx
shadowed:
    inc ecx
    caught_here
    trap_follows "MOV SS holds the trap off for one instruction", shadowed, BS
    check "  which is executed", rcx, 1
    set_dr 6, DR6_CLEAR
    lea rsi, [cell]
    lea rdi, [elsewhere]
    mov ecx, 3
    catch
    set_tf
rep_movs:
    rep movsb
    caught_here
    trap_follows "TF traps behind each iteration of REP", rep_movs, BS
    check "  RCX", rcx, 2
    set_dr 6, DR6_CLEAR
    catch
    set_tf
    jmp jumped
    nop
jumped:
    nop
    caught_here
    trap_follows "TF behind a jump", jumped, BS
    set_dr 6, DR6_CLEAR
    write_msr 0x1d9, 2                  ; IA32_DEBUGCTL.BTF
    catch
    xor ecx, ecx
    set_tf
    inc ecx
    inc ecx
    jmp branched
    nop
branched:
    nop
    caught_here
    trap_follows "BTF: TF traps behind branches only", branched, BS
    check "  both additions are done", rcx, 2
    read_msr 0x1d9
    check "  and the trap clears BTF", rax, 0
    quiet
    ret

icebp_int3:
    catch
    db 0xf1
iced:
    caught_here
    trap_follows "INT1", iced, 0
    catch
    int3
int3ed:
    caught_here
    expect "INT3", 3, 0
    check "  RIP", [caught.rip], int3ed
    catch
    int 1
    caught_here
    expect "INT 1 is a software interrupt", 1, 0
    check "  and leaves DR6", [caught.dr6], DR6_CLEAR
    catch
    db 0xce
    caught_here
    expect "INTO in 64-bit mode", 6, 0
    ret

user_dr:
    mov rax, dr7
    int 0x80
user_int1:
    int 1
user_icebp:
    db 0xf1
registers:
    set_dr 0, 0x123456789abc
    mov rax, dr0
    check "DR0 keeps 64 bits", rax, 0x123456789abc
    mov rax, -1
    shr rax, 32
    mov dr6, rax
    mov rax, dr6
    check "DR6: which bits are fixed", rax, 0xffffefff
    mov eax, 0xffffdfff                 ; not GD, which would trap
    and eax, 0xffffdf00
    mov dr7, rax
    mov rax, dr7
    check "DR7: bits 10, 12, 14 and 15 are fixed", rax, 0xffff0700
    quiet
    catch
    mov rax, 1 << 32
    mov dr6, rax
    caught_here
    expect "the high half of DR6 is reserved", 13, 0
    catch
    mov rax, 1 << 32
    mov dr7, rax
    caught_here
    expect "the high half of DR7 is reserved", 13, 0
    mov rax, dr4
    mov rbx, dr6
    check "DR4 is DR6 without CR4.DE", rax, rbx
    mov rax, cr4
    or eax, 8
    mov cr4, rax
    catch
    mov rax, dr5
    caught_here
    expect "DR5 with CR4.DE", 6, 0
    mov rax, cr4
    and eax, ~8
    mov cr4, rax
    in_user user_dr
    expect "MOV from DR7 at CPL 3", 13, 0
    in_user user_int1
    expect "INT 1 at CPL 3: the gate's DPL counts", 13, 1 * 8 + 2
    in_user user_icebp
    expect "INT1 at CPL 3: it does not", 1, 0
    ret

general_detect:
    set_dr 7, 0x400 | (1 << 13)
    catch
detected:
    mov rax, dr3
    caught_here
    trap_follows "DR7.GD: access of a debug register is a fault", detected, BD
    mov rax, dr7
    check "  and GD is clear in the handler", rax, 0x400
    quiet
    ret

    align 64
    times 56 db 0
cell: times 16 db 0
elsewhere: times 64 db 0
finish
