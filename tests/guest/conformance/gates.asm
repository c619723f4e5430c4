; Gates of long mode: interrupts, calls, and the ways back. SDM Vol. 3, 6.14 "Exception and Interrupt
; Handling in 64-bit Mode", 5.8.3.1 "IA-32e Mode Call Gates"; Vol. 2, INT n, CALL, IRET, RET.
%include "tests/guest/conformance/kit64.inc"

V equ 0x90                      ; a vector of our own
GATE equ idt + V * 16
%define IDT_ERROR(v) (v * 8 + 2)
NOT_CANONICAL equ 0x900000000000

; gate SELECTOR, IST, TYPE: that of vector V, to `handler`
%macro gate 3
    mov rax, handler
    mov [GATE], ax
    mov word [GATE + 2], %1
    mov byte [GATE + 4], %2
    mov byte [GATE + 5], %3
    shr rax, 16
    mov [GATE + 6], ax
    mov dword [GATE + 8], 0
%endmacro

handler:                        ; RSP has RIP, CS, RFLAGS, RSP, SS
    mov [seen.rsp], rsp
    pushfq
    pop qword [seen.flags]
    mov rax, [rsp]
    mov [seen.return], rax
    mov rax, [rsp + 24]
    mov [seen.old_rsp], rax
    mov rax, [rsp + 32]
    mov [seen.old_ss], rax
    xor eax, eax
    mov ax, ss
    mov [seen.ss], rax
    inc qword [seen.count]
    iretq

main:
    call delivery
    call bad_gates
    call double_faults
    call returns
    call call_gates
    ret

user_int:
    int V
user_back:
    int 0x80

delivery:
    gate KERNEL_CODE, 0, 0x8e
    mov rbx, rsp
    and rbx, -16
    sub rbx, 40
    pushfq
    or qword [rsp], 0x200 | 0x4000      ; IF, NT
    popfq
    int V
.behind:
    pushfq
    pop r12
    cli
    pushfq
    and qword [rsp], ~0x4000
    popfq
    check "INT through an interrupt gate: RIP", [seen.return], .behind
    check "  the frame is aligned to 16 bytes", [seen.rsp], rbx
    mov rax, [seen.flags]
    and eax, 0x4300
    check "  TF, IF and NT are clear in the handler", rax, 0
    mov rax, r12
    and eax, 0x4200
    check "  and back behind it", rax, 0x4200
    check "  SS is as it was", [seen.ss], KERNEL_DATA
    gate KERNEL_CODE, 0, 0x8f
    sti
    int V
    cli
    mov rax, [seen.flags]
    and eax, 0x200
    check "a trap gate leaves IF", rax, 0x200
    gate KERNEL_CODE, 2, 0x8e
    mov qword [tss + 36 + 8], other_stack + 8
    int V
    check "IST 2: its stack, aligned", [seen.rsp], other_stack - 40
    gate KERNEL_CODE, 0, 0xee
    in_user user_int
    expect "INT from CPL 3 returns", 0x80, 0
    check "  the handler's stack is RSP0", [seen.rsp], interrupt_stack_top - 40
    check "  its SS is null", [seen.ss], 0
    mov rax, USER + user_stack_top
    check "  RSP on the frame", [seen.old_rsp], rax
    check "  SS on the frame", [seen.old_ss], USER_DATA
    gate KERNEL_CODE, 0, 0x8e
    in_user user_int
    expect "INT from CPL 3 through a gate of DPL 0", 13, IDT_ERROR(V)
    mov rax, USER + user_int
    check "  RIP", [caught.rip], rax
    ret

%macro int_faults 3
    catch
    int V
    caught_here
    expect %1, %2, %3
%endmacro

bad_gates:
    gate KERNEL_CODE, 0, 0x0e
    int_faults "a gate that is not present", 11, IDT_ERROR(V)
    gate KERNEL_CODE, 0, 0x85
    int_faults "a task gate in long mode", 13, IDT_ERROR(V)
    gate KERNEL_CODE, 0, 0x86
    int_faults "a 16-bit gate in long mode", 13, IDT_ERROR(V)
    gate 0, 0, 0x8e
    int_faults "a null code selector", 13, 0
    gate KERNEL_DATA, 0, 0x8e
    int_faults "a data segment", 13, KERNEL_DATA
    gate KERNEL_CODE32, 0, 0x8e
    int_faults "a 32-bit code segment", 13, KERNEL_CODE32
    gate USER_CODE, 0, 0x8e
    int_faults "a code segment of DPL 3", 13, USER_CODE & ~3
    gate 0xff8, 0, 0x8e
    int_faults "a selector beyond the GDT", 13, 0xff8
    mov rax, 0x00af1b000000ffff         ; 64-bit code, absent
    mov [gdt + SPARE], rax
    gate SPARE, 0, 0x8e
    int_faults "a code segment that is not present", 11, SPARE
    gate KERNEL_CODE, 0, 0x8e
    mov dword [GATE + 8], NOT_CANONICAL >> 32
    int_faults "an offset that is not canonical", 13, 0
    gate KERNEL_CODE, 3, 0x8e
    mov rax, NOT_CANONICAL
    mov [tss + 36 + 16], rax
    int_faults "an IST entry that is not canonical", 12, 0
    gate KERNEL_CODE, 0, 0x8e
    mov word [idt_pointer], V * 16 + 14
    lidt [idt_pointer]
    int_faults "a vector at the IDT's limit", 13, IDT_ERROR(V)
    mov word [idt_pointer], 256 * 16 - 1
    lidt [idt_pointer]
    ret

double_faults:
    mov byte [idt + 13 * 16 + 5], 0x0e  ; #GP's gate is absent
    catch
    mov rax, NOT_CANONICAL
    mov rax, [rax]
    caught_here
    expect "#NP while #GP is delivered is #DF", 8, 0
    mov byte [idt + 13 * 16 + 5], 0x8e
    mov byte [idt + 14 * 16 + 5], 0x0e
    catch
    mov rax, 0x7000000000
    mov rax, [rax]
    caught_here
    expect "#NP while #PF is delivered is #DF", 8, 0
    mov byte [idt + 14 * 16 + 5], 0x8e
    mov byte [idt + 6 * 16 + 5], 0x0e   ; #UD is benign: the second fault is served
    catch
    ud2
    caught_here
    expect "#NP while #UD is delivered is #NP", 11, IDT_ERROR(6) + 1
    mov byte [idt + 6 * 16 + 5], 0x8e
    mov byte [idt + 1 * 16 + 5], 0x0e
    catch
    db 0xf1
    caught_here
    expect "INT1 without a gate: EXT is set", 11, IDT_ERROR(1) + 1
    mov byte [idt + 1 * 16 + 5], 0x8e
    mov byte [idt + 3 * 16 + 5], 0x0e
    catch
    int3
    caught_here
    expect "INT3 without a gate: EXT is clear", 11, IDT_ERROR(3)
    mov byte [idt + 3 * 16 + 5], 0x8e
    ret

; return_to CS, RIP, RFLAGS, RSP, SS
%macro return_to 5
    mov rax, %5
    push rax
    mov rax, %4
    push rax
    mov rax, %3
    push rax
    mov rax, %1
    push rax
    mov rax, %2
    push rax
    iretq
%endmacro
%macro return_faults 8                  ; "NAME", CS, RIP, RFLAGS, RSP, SS, vector, error
    catch
    return_to %2, %3, %4, %5, %6
    caught_here
    expect %1, %7, %8
    check "  at CPL 0", [caught.cs], KERNEL_CODE
%endmacro

landing:
    int 0x80
user_iret:
    return_to USER_CODE, USER + landing, 0x3202, USER + user_stack_top, USER_DATA

returns:
    return_faults "IRET to a null CS", 0, landing, 2, stack_top - 512, KERNEL_DATA, 13, 0
    return_faults "IRET to a data segment", KERNEL_DATA, landing, 2, stack_top, KERNEL_DATA, 13, KERNEL_DATA
    return_faults "IRET to DPL 3 code with RPL 0", USER_CODE & ~3, landing, 2, stack_top, KERNEL_DATA, 13, USER_CODE & ~3
    return_faults "IRET to a non-canonical RIP", KERNEL_CODE, NOT_CANONICAL, 2, stack_top, KERNEL_DATA, 13, 0
    return_faults "IRET to CPL 3 with a null SS", USER_CODE, USER + landing, 2, USER + user_stack_top, 0, 13, 0
    return_faults "IRET to CPL 3 with SS of RPL 0", USER_CODE, USER + landing, 2, USER + user_stack_top, USER_DATA & ~3, 13, USER_DATA & ~3
    return_faults "IRET to CPL 3 with a code segment as SS", USER_CODE, USER + landing, 2, USER + user_stack_top, USER_CODE, 13, USER_CODE & ~3
    pushfq
    or qword [rsp], 0x4000
    popfq
    return_faults "IRET with NT in long mode", KERNEL_CODE, landing, 2, stack_top, KERNEL_DATA, 13, 0
    pushfq
    and qword [rsp], ~0x4000
    popfq
    catch
    return_to KERNEL_CODE, landing, 2, stack_top - 512, 0
    caught_here
    expect "IRET at CPL 0 with a null SS", 0x80, 0
    check "  loads RSP", [caught.rsp], stack_top - 512
    mov ax, KERNEL_DATA
    mov ss, ax
    mov qword [user_flags], 2           ; IOPL 0
    in_user user_iret
    expect "IRET at CPL 3", 0x80, 0
    check "  loads neither IF nor IOPL", [caught.rflags], 2
    catch
    return_to USER_CODE32, low32, 0x202, 0x1234, USER_DATA
    caught_here
    expect "IRET to compatibility mode", 14, 0x15
    check "  CS", [caught.cs], USER_CODE32
    check "  RSP", [caught.rsp], 0x1234
    ; Data segments that CPL 3 may not have are lost.
    mov ax, KERNEL_DATA
    mov ds, ax
    mov es, ax
    mov fs, ax
    catch
    return_to USER_CODE, USER + user_segments, 2, USER + user_stack_top, USER_DATA
    caught_here
    check "IRET to CPL 3 clears DS, ES and FS of DPL 0", r12, 0
    mov ax, KERNEL_DATA
    mov ds, ax
    mov es, ax
    ret
low32 equ 0x500000
user_segments:
    xor r12, r12
    mov ax, ds
    or r12w, ax
    mov ax, es
    or r12w, ax
    mov ax, fs
    or r12w, ax
    int 0x80

CALL_GATE equ SPARE
; call_gate SELECTOR, TYPE
%macro call_gate 2
    mov rax, inner
    mov [gdt + CALL_GATE], ax
    mov word [gdt + CALL_GATE + 2], %1
    mov word [gdt + CALL_GATE + 4], %2
    shr rax, 16
    mov [gdt + CALL_GATE + 6], ax
    mov qword [gdt + CALL_GATE + 8], 0
%endmacro
inner:
    mov [seen.rsp], rsp
    mov rax, cs
    mov [seen.count], rax
    xor eax, eax
    mov ax, ss
    mov [seen.ss], rax
    o64 retf
user_call:
    call far [far_pointer]
    int 0x80
user_jump:
    jmp far [far_pointer]

call_gates:
    call_gate KERNEL_CODE, 0xec00
    in_user user_call
    expect "CALL through a gate to CPL 0 and back", 0x80, 0
    check "  inside CPL is 0", [seen.count], KERNEL_CODE
    check "  SS is null", [seen.ss], 0
    check "  RSP is RSP0, two pairs lower", [seen.rsp], interrupt_stack_top - 32
    mov rax, USER + user_stack_top
    check "  RSP afterwards", [caught.rsp], rax
    call_gate KERNEL_CODE, 0x8c00
    in_user user_call
    expect "CALL through a gate of DPL 0", 13, CALL_GATE
    call_gate KERNEL_CODE, 0x6c00
    in_user user_call
    expect "CALL through a gate that is not present", 11, CALL_GATE
    call_gate KERNEL_CODE32, 0xec00
    in_user user_call
    expect "CALL through a gate to a 32-bit segment", 13, KERNEL_CODE32
    call_gate 0, 0xec00
    in_user user_call
    expect "CALL through a gate to a null segment", 13, 0
    call_gate KERNEL_CODE, 0xec00
    mov dword [gdt + CALL_GATE + 12], 0x100
    in_user user_call
    expect "CALL through a gate whose upper half has a type", 13, CALL_GATE
    call_gate KERNEL_CODE, 0xec00
    in_user user_jump
    expect "JMP through a gate to another CPL", 13, KERNEL_CODE
    call_gate KERNEL_CODE, 0xec00
    mov dword [gdt + CALL_GATE + 8], NOT_CANONICAL >> 32
    in_user user_call
    expect "CALL through a gate to a non-canonical offset", 13, 0
    ret

    align 8
far_pointer: dq 0
    dw CALL_GATE | 3
    align 8
seen:
.rsp: dq 0
.flags: dq 0
.return: dq 0
.old_rsp: dq 0
.old_ss: dq 0
.ss: dq 0
.count: dq 0
    align 16
    times 256 db 0
other_stack: times 16 db 0
finish
