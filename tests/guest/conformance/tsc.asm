; The time-stamp counter, IA32_TSC_ADJUST, RDTSCP and RDPID, the TSC deadline. SDM Vol. 3, 17.17, 10.5.4.1.
%include "tests/guest/conformance/kit64.inc"

TSC equ 0x10
TSC_ADJUST equ 0x3b
TSC_DEADLINE equ 0x6e0
TSC_AUX equ 0xc0000103
APIC equ 0xfee00000
TIMER_VECTOR equ 0x91
FAR_AWAY equ 1 << 60

%macro read_tsc 0                       ; RAX
    rdtsc
    shl rdx, 32
    or rax, rdx
%endmacro
; below "NAME", a, b: a < b
%macro below 3
    mov r10, %2
    cmp r10, %3
    setb r10b
    movzx r10d, r10b
    check %1, r10, 1
%endmacro

user_rdtsc:
    rdtsc
    int 0x80
user_rdtscp:
    rdtscp
    int 0x80

main:
    call counter
    call adjust
    call restricted
    call deadline
    ret

counter:
    read_tsc
    mov r12, rax
    mov ecx, 1000
.loop:
    loop .loop
    read_tsc
    below "RDTSC goes forward", r12, rax
    read_msr TSC
    mov r12, rax
    read_tsc
    below "IA32_TIME_STAMP_COUNTER is the same", r12, rax
    write_msr TSC, 1 << 50
    read_tsc
    mov rbx, 1 << 50
    below "a write of it sets RDTSC", rbx, rax
    mov rbx, (1 << 50) + (1 << 40)
    below "  to about that", rax, rbx
    write_msr TSC_AUX, 0x1234
    xor ecx, ecx
    rdtscp
    check "RDTSCP gives IA32_TSC_AUX", rcx, 0x1234
    mov rax, -1
    rdpid rax
    check "so does RDPID", rax, 0x1234
    catch
    write_msr TSC_AUX, 1 << 32
    caught_here
    expect "IA32_TSC_AUX has 32 bits", 13, 0
    write_msr TSC_AUX, 0
    ret

adjust:                                 ; SDM Vol. 3, 17.17.3
    write_msr TSC_ADJUST, 0
    read_tsc
    mov r12, rax
    write_msr TSC_ADJUST, 1 << 40
    read_tsc
    mov rbx, 1 << 40
    add rbx, r12
    below "IA32_TSC_ADJUST moves the counter", rbx, rax
    read_msr TSC_ADJUST
    mov rbx, 1 << 40
    check "  and reads back", rax, rbx
    read_msr TSC
    mov r12, rax
    mov rbx, FAR_AWAY
    write_msr TSC, rbx
    read_msr TSC_ADJUST
    mov r9, 1 << 40
    sub rax, r9
    mov r9, FAR_AWAY
    sub r9, r12                         ; by so much, less what passed in between
    below "a write of the counter moves IA32_TSC_ADJUST", rax, r9
    sub r9, 1 << 30
    below "  by as much", r9, rax
    write_msr TSC_ADJUST, 0
    read_tsc
    mov rbx, 1 << 50
    below "zero takes all of it back", rax, rbx
    ret

restricted:
    in_user user_rdtsc
    expect "RDTSC at CPL 3", 0x80, 0
    mov rax, cr4
    or eax, 4                           ; TSD
    mov cr4, rax
    in_user user_rdtsc
    expect "RDTSC at CPL 3 with CR4.TSD", 13, 0
    in_user user_rdtscp
    expect "RDTSCP", 13, 0
    catch
    rdtsc
    caught_here
    expect "RDTSC at CPL 0 with it", NONE, 0
    mov rax, cr4
    and eax, ~4
    mov cr4, rax
    ret

on_timer:
    push rax
    inc dword [ticks]
    mov eax, APIC
    mov dword [rax + 0xb0], 0           ; EOI
    pop rax
    iretq

deadline:
    lea rax, [on_timer]
    mov [hooks + TIMER_VECTOR * 8], rax
    mov ebx, APIC
    mov dword [rbx + 0xf0], 0x1ff
    mov dword [rbx + 0x320], 0x40000 | TIMER_VECTOR     ; TSC-deadline mode
    mov dword [ticks], 0
    sti
    read_tsc
    mov r12, rax
    write_msr TSC_DEADLINE, r12
    nop
    mov eax, [ticks]
    check "a deadline that has passed interrupts at once", rax, 1
    read_msr TSC_DEADLINE
    check "  and reads as zero afterwards", rax, 0
    read_tsc
    lea r12, [rax + 2000000]
    write_msr TSC_DEADLINE, r12
    read_msr TSC_DEADLINE
    mov r9, rax
    check "one to come reads back", r9, r12
.wait:
    cli                                 ; it may have come already
    cmp dword [ticks], 2
    je .come
    sti
    hlt
    jmp .wait
.come:
    sti
    read_tsc
    below "  and interrupts, not too early", r12, rax
    mov r12, FAR_AWAY
    write_msr TSC_DEADLINE, r12
    write_msr TSC_DEADLINE, 0
    read_msr TSC_DEADLINE
    check "zero disarms", rax, 0
    write_msr TSC_DEADLINE, r12
    mov dword [rbx + 0x320], TIMER_VECTOR               ; one-shot
    read_msr TSC_DEADLINE
    check "another timer mode disarms", rax, 0
    write_msr TSC_DEADLINE, r12
    read_msr TSC_DEADLINE
    check "  and does not take deadlines", rax, 0
    mov dword [rbx + 0x320], 0x40000 | TIMER_VECTOR
    mov dword [rbx + 0x380], 1000
    mov eax, [rbx + 0x390]
    check "deadline mode has no count", rax, 0
    cli
    ret

ticks: dd 0
finish
