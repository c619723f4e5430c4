; Interrupts and what holds them off: the shadows of STI and MOV SS, NMI, priorities, HLT; and the local
; APIC in both modes. SDM Vol. 3, 6.7, 6.8 and chapter 10.
%include "tests/guest/conformance/kit64.inc"

APIC equ 0xfee00000
ID equ 0x20
TPR equ 0x80
PPR equ 0xa0
EOI equ 0xb0
SVR equ 0xf0
ISR equ 0x100
IRR equ 0x200
ESR equ 0x280
ICR equ 0x300
LVT_TIMER equ 0x320
INITIAL equ 0x380
CURRENT equ 0x390
DIVIDE equ 0x3e0
APIC_BASE equ 0x1b
SELF equ 0x40000
LOW equ 0x51
HIGH equ 0xa1

%macro apic 2                           ; writes a register
    mov dword [rbx + %1], %2
%endmacro
%macro read_apic 2
    mov %2, [rbx + %1]
%endmacro
%macro handles 2                        ; vector, handler: on the stack it finds
    lea rax, [%2]
    mov [hooks + %1 * 8], rax
    mov byte [idt + %1 * 16 + 4], 0
%endmacro
%macro settle 0                         ; time for what the APIC was told
    mov ecx, 1000
    loop $
%endmacro
%macro bit_of 3                         ; 32-bit register, bit, of the APIC's set: 0 or 1
    read_apic %1 + (%2 / 32) * 16, eax
    shr eax, %2 % 32
    and eax, 1
    mov %3, rax
%endmacro

%macro wait_for 1                       ; that many interrupts, with IF clear afterwards
    jmp %%look
%%again:
    sti
    hlt
    cli
%%look:
    cmp qword [seen.count], %1
    jb %%again
%endmacro

note_low:                               ; notes who came, and where
    push rax
    shl qword [seen.order], 8
    or qword [seen.order], LOW
    mov rax, [rsp + 8]
    mov [seen.rip], rax
    apic EOI, 0
    pop rax
    iretq
note_high:
    push rax
    shl qword [seen.order], 8
    or qword [seen.order], HIGH
    mov rax, [rsp + 8]
    mov [seen.rip], rax
    apic EOI, 0
    pop rax
    iretq
nested_high:                            ; lets others interrupt it
    push rax
    shl qword [seen.order], 8
    or qword [seen.order], HIGH
    sti
    nop
    nop
    bit_of ISR, HIGH, [seen.isr]
    apic EOI, 0
    nop
    nop
    pop rax
    iretq
on_nmi:
    push rax
    push rcx
    inc dword [seen.nmis]
    cmp dword [seen.nmis], 1
    jne .done
    apic ICR, 0x400 | SELF              ; another one, and a third
    settle
    apic ICR, 0x400 | SELF
    settle
    nop
    mov eax, [seen.nmis]
    mov [seen.inside], eax
.done:
    pop rcx
    pop rax
    iretq
count_only:
    inc qword [seen.count]
    mov dword [rbx + EOI], 0
    iretq

main:
    mov ebx, APIC
    apic SVR, 0x1ff
    handles LOW, note_low
    handles HIGH, note_high
    call shadows
    call priorities
    call nmi
    call timer
    call errors
    call x2apic
    ret

shadows:
    apic ICR, SELF | LOW
    settle
    sti
    nop
.after_sti:
    cli
    check "STI holds interrupts off for one instruction", [seen.rip], .after_sti
    apic ICR, SELF | LOW
    settle
    mov qword [seen.rip], 0
    sti
    cli
    nop
    check "STI, CLI: none is taken", [seen.rip], 0
    apic ICR, SELF | LOW
    settle
    mov qword [seen.rip], 0
    sti
    hlt
.after_hlt:
    cli
    check "STI, HLT with an interrupt waiting", [seen.rip], .after_hlt
    apic ICR, SELF | LOW
    settle
    mov qword [seen.rip], 0
    pushfq
    or qword [rsp], 0x200
    popfq
.after_popf:
    nop
    cli
    check "POPF has no shadow", [seen.rip], .after_popf
    ret

priorities:
    mov qword [seen.order], 0
    apic ICR, SELF | LOW
    settle
    apic ICR, SELF | HIGH
    settle
    bit_of IRR, LOW, r12
    check "a waiting interrupt is in IRR", r12, 1
    sti
    nop
    nop
    cli
    check "the higher vector comes first", [seen.order], HIGH << 8 | LOW
    mov qword [seen.order], 0
    mov rax, 5
    mov cr8, rax
    read_apic TPR, eax
    check "CR8 is the upper half of TPR", rax, 0x50
    apic ICR, SELF | LOW
    settle
    apic ICR, SELF | HIGH
    settle
    sti
    nop
    nop
    cli
    check "TPR holds off its class and those below", [seen.order], HIGH
    read_apic PPR, eax
    check "  PPR is TPR", rax, 0x50
    xor eax, eax
    mov cr8, rax
    mov qword [seen.order], 0
    sti
    nop
    nop
    cli
    check "  until it is lowered", [seen.order], LOW
    catch
    mov eax, 16
    mov cr8, rax
    caught_here
    expect "CR8 has four bits", 13, 0
    handles HIGH, nested_high
    mov qword [seen.order], 0
    apic ICR, SELF | HIGH
    settle
    apic ICR, SELF | LOW
    settle
    sti
    nop
    nop
    cli
    check "a handler is not interrupted by a lower class before EOI", [seen.order], HIGH << 8 | LOW
    check "  its vector is in ISR", [seen.isr], 1
    handles HIGH, note_high
    mov qword [seen.order], 0
    apic ICR, SELF | LOW
    settle
    apic ICR, SELF | LOW
    settle
    sti
    nop
    nop
    cli
    check "the same vector twice is one", [seen.order], LOW
    ret

nmi:
    handles 2, on_nmi
    apic ICR, 0x400 | SELF
    settle
    nop
    nop
    mov eax, [seen.inside]
    check "NMI is masked in its handler", rax, 1
    mov eax, [seen.nmis]
    check "  one of two that come there is kept until IRET", rax, 2
    mov dword [seen.nmis], 5
    cli
    apic ICR, 0x400 | SELF
    settle
    nop
    mov eax, [seen.nmis]
    check "NMI does not ask for IF", rax, 6
    ret

timer:
    handles LOW, count_only
    mov qword [seen.count], 0
    apic DIVIDE, 0xb                    ; by 1
    apic LVT_TIMER, LOW
    apic INITIAL, 100000
    read_apic CURRENT, eax
    cmp eax, 100001
    sbb ecx, ecx
    neg ecx
    check "the count goes down from its initial value", rcx, 1
    wait_for 1
    read_apic CURRENT, eax
    check "one-shot: it ends at zero", rax, 0
    apic LVT_TIMER, 0x20000 | LOW
    mov qword [seen.count], 0
    apic INITIAL, 50000
    wait_for 3
    cmp qword [seen.count], 3
    setae al
    movzx eax, al
    check "periodic: it goes on", rax, 1
    apic INITIAL, 0
    apic LVT_TIMER, 0x10000
    sti
    nop
    cli
    read_apic CURRENT, eax
    check "an initial count of zero stops it", rax, 0
    handles LOW, note_low
    ret

errors:
    apic ESR, 0
    apic ESR, 0
    read_apic ESR, eax
    check "ESR is clear", rax, 0
    apic ICR, SELF | 5
    settle
    apic ESR, 0
    read_apic ESR, eax
    and eax, 0x20
    check "a vector below 16 is an illegal one", rax, 0x20
    apic ESR, 0
    read_apic ESR, eax
    check "  and is told once", rax, 0
    mov qword [seen.order], 0
    apic SVR, 0xff                      ; software disabled
    read_apic LVT_TIMER, eax
    and eax, 0x10000
    check "a disabled APIC masks its LVT", rax, 0x10000
    apic SVR, 0x1ff
    ret

%macro base_faults 2
    catch
    write_msr APIC_BASE, %2
    caught_here
    expect %1, 13, 0
%endmacro

x2apic:
    read_msr APIC_BASE
    mov r12, rax
    and eax, 0xd00
    check "IA32_APIC_BASE: enabled, the bootstrap processor's", rax, 0x900
    mov rax, r12
    and rax, ~0x800
    or rax, 0x400
    mov r11, rax
    base_faults "x2APIC without enable", r11
    mov rax, r12
    or rax, 1
    mov r11, rax
    base_faults "a reserved bit of IA32_APIC_BASE", r11
    catch
    read_msr 0x802
    caught_here
    expect "x2APIC registers in xAPIC mode", 13, 0
    mov rax, r12
    or rax, 0x400
    mov r11, rax
    write_msr APIC_BASE, r11
    read_msr 0x802
    check "x2APIC: the ID has 32 bits", rax, 0
    read_msr 0x80d
    check "  the logical ID follows from it", rax, 1
    mov eax, [rbx + ID]
    mov edx, -1
    check "  the page is gone", rax, rdx
    base_faults "back to xAPIC mode at once", r12
    catch
    write_msr 0x802, 0
    caught_here
    expect "the ID is read-only", 13, 0
    catch
    read_msr 0x80b
    caught_here
    expect "EOI is write-only", 13, 0
    catch
    write_msr 0x80b, 1
    caught_here
    expect "EOI takes zero only", 13, 0
    catch
    read_msr 0x831
    caught_here
    expect "there is no second half of ICR", 13, 0
    catch
    write_msr 0x808, 0x100
    caught_here
    expect "reserved bits of TPR", 13, 0
    handles LOW, x2_handler
    mov qword [seen.count], 0
    write_msr 0x83f, LOW
    settle
    sti
    nop
    nop
    cli
    check "SELF IPI", [seen.count], 1
    write_msr 0x830, (0 << 32) | LOW    ; to ID 0
    settle
    sti
    nop
    nop
    cli
    check "ICR in one write", [seen.count], 2
    write_msr APIC_BASE, 0xfee00100
    mov eax, 1
    cpuid
    mov ebx, APIC
    shr edx, 9
    and edx, 1
    check "a disabled APIC is not in CPUID", rdx, 0
    write_msr APIC_BASE, r12
    read_apic SVR, eax
    check "  and comes back as after a reset", rax, 0xff
    ret
x2_handler:
    push rax
    push rcx
    push rdx
    inc qword [seen.count]
    write_msr 0x80b, 0
    pop rdx
    pop rcx
    pop rax
    iretq

    align 8
seen:
.rip: dq 0
.count: dq 0
.order: dq 0
.isr: dq 0
.nmis: dd 0
.inside: dd 0
finish
