; SYSCALL, SYSRET, SYSENTER and SYSEXIT of an Intel processor. SDM Vol. 2; Vol. 3, 5.8.7 and 5.8.8.
%include "tests/guest/conformance/kit64.inc"

EFER equ 0xc0000080
STAR equ 0xc0000081
LSTAR equ 0xc0000082
FMASK equ 0xc0000084
SYSENTER_CS equ 0x174
SYSENTER_ESP equ 0x175
SYSENTER_EIP equ 0x176
NON_CANONICAL equ 1 << 62

main:
    in_user user_syscall
    expect "SYSCALL without EFER.SCE", 6, 0
    catch
    o64 sysret
    caught_here
    expect "SYSRET without EFER.SCE", 6, 0
    read_msr EFER
    or eax, 1
    mov edx, 0
    mov ecx, EFER
    wrmsr
    ; SYSRET takes SS from bits 63:48 + 8 and a 64-bit CS from + 16.
    write_msr STAR, (USER_CODE32 << 48) | (KERNEL_CODE << 32)
    write_msr LSTAR, entry
    write_msr FMASK, 0x40cd5            ; the arithmetic flags and AC
    call syscalls
    call sysrets
    call sysenters
    ret

user_syscall:
    mov rcx, 0
    syscall
after_syscall:
    int 0x80
entry:
    mov [seen.rcx], rcx
    mov [seen.r11], r11
    mov [seen.rsp], rsp
    mov ax, cs
    mov [seen.cs], ax
    mov ax, ss
    mov [seen.ss], ax
    mov rsp, stack_top - 256
    pushfq
    pop qword [seen.flags]
    cld
    int 0x80

syscalls:
    mov qword [user_flags], 0x200cd7    ; arithmetic flags, DF and ID
    in_user user_syscall
    mov qword [user_flags], 2
    expect "SYSCALL from CPL 3 arrives", 0x80, 0
    mov rax, USER + after_syscall
    check "  RCX is the return address", [seen.rcx], rax
    check "  R11 is RFLAGS", [seen.r11], 0x200cd7
    check "  CS", [seen.cs], KERNEL_CODE
    check "  SS", [seen.ss], KERNEL_CODE + 8
    check "  RFLAGS without FMASK's bits", [seen.flags], 0x200002
    mov rax, USER + user_stack_top
    check "  RSP is the user's", [seen.rsp], rax
    catch
    push qword KERNEL_CODE32
    push qword compat_syscall
    o64 retf
    caught_here
    expect "SYSCALL in compatibility mode", 6, 0
    ret
bits 32
compat_syscall:
    syscall
bits 64

user_landing:
    mov ax, cs
    mov [seen.cs], ax
    mov ax, ss
    mov [seen.ss], ax
    int 0x80
bits 32
user_landing32:
    int 0x80
bits 64
user_sysret:
    o64 sysret

%macro do_sysret 2                      ; RIP, R11
    mov rcx, %1
    mov r11, %2
    o64 sysret
%endmacro

sysrets:
    catch
    do_sysret USER + user_landing, 0x202ed7
    caught_here
    expect "SYSRET goes to CPL 3", 0x80, 0
    check "  CS", [caught.cs], USER_CODE
    check "  SS", [seen.ss], USER_DATA
    check "  RFLAGS are R11 without RF and VM", [caught.rflags], 0x202ed7
    catch
    do_sysret USER + user_landing, 0x30202
    caught_here
    check "  RF and VM stay clear", [caught.rflags], 0x202
    catch
    mov rcx, low_alias + user_landing32
    mov r11, 0x202
    o32 sysret
    caught_here
    expect "SYSRET to compatibility mode", 14, 0x15
    check "  CS", [caught.cs], USER_CODE32
    check "  RIP has 32 bits", [caught.rip], user_landing32
    catch
    do_sysret NON_CANONICAL, 0x202
    caught_here
    expect "SYSRET to a non-canonical address", 13, 0
    check "  at CPL 0", [caught.cs], KERNEL_CODE
    in_user user_sysret
    expect "SYSRET at CPL 3", 13, 0
    ret
low_alias equ 0x5500000000

user_sysenter:
    sysenter
user_sysexit:
    o64 sysexit
sysenter_entry:
    mov [seen.rsp], rsp
    mov rsp, stack_top - 256
    pushfq
    pop qword [seen.flags]
    mov ax, cs
    mov [seen.cs], ax
    mov ax, ss
    mov [seen.ss], ax
    int 0x80

sysenters:
    write_msr SYSENTER_CS, 0
    in_user user_sysenter
    expect "SYSENTER without a CS", 13, 0
    write_msr SYSENTER_CS, KERNEL_CODE
    write_msr SYSENTER_ESP, 0x123456780
    write_msr SYSENTER_EIP, sysenter_entry
    mov qword [user_flags], 0x3202
    in_user user_sysenter
    mov qword [user_flags], 2
    expect "SYSENTER arrives", 0x80, 0
    check "  RSP", [seen.rsp], 0x123456780
    check "  CS", [seen.cs], KERNEL_CODE
    check "  SS", [seen.ss], KERNEL_CODE + 8
    check "  IF is clear", [seen.flags], 0x3002
    catch
    write_msr SYSENTER_EIP, NON_CANONICAL
    caught_here
    expect "a non-canonical SYSENTER_EIP", 13, 0
    catch
    mov rdx, USER + user_landing
    mov rcx, USER + user_stack_top
    o64 sysexit
    caught_here
    expect "SYSEXIT goes to CPL 3", 0x80, 0
    check "  CS is SYSENTER_CS + 32", [caught.cs], (KERNEL_CODE + 32) | 3
    check "  SS is SYSENTER_CS + 40", [seen.ss], (KERNEL_CODE + 40) | 3
    mov rax, USER + user_stack_top
    check "  RSP is RCX", [caught.rsp], rax
    catch
    mov rdx, NON_CANONICAL
    mov rcx, USER + user_stack_top
    o64 sysexit
    caught_here
    expect "SYSEXIT to a non-canonical address", 13, 0
    in_user user_sysexit
    expect "SYSEXIT at CPL 3", 13, 0
    write_msr SYSENTER_CS, 0
    catch
    o64 sysexit
    caught_here
    expect "SYSEXIT without a CS", 13, 0
    ret

    align 8
seen:
.rcx: dq 0
.r11: dq 0
.rsp: dq 0
.flags: dq 0
.cs: dq 0
.ss: dq 0
finish
