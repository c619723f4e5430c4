; Locked instructions, alignment, and two processors on the same memory. Run with -smp 2. SDM Vol. 3, 8.1
; "Locked Atomic Operations", 8.2.2 (memory ordering), 8.1.3 (cross-modifying code), 6.15 (#AC).
%include "tests/guest/conformance/kit64.inc"

APIC equ 0xfee00000
ICR equ 0x300
ICR_HIGH equ 0x310
TRAMPOLINE equ 0x8000
ROUNDS equ 20000

main:
    call lock_prefixes
    call widths
    call alignment
    call start_second
    call counters
    call message_passing
    call cross_modifying
    ret

%macro lock_ud 2+
    catch
    %2
    caught_here
    expect %1, 6, 0
%endmacro

lock_prefixes:
    lock_ud "LOCK with a register destination", db 0xf0, 0x01, 0xc0         ; ADD EAX, EAX
    lock_ud "LOCK with a memory source", db 0xf0, 0x03, 0x05, 0, 0, 0, 0    ; ADD EAX, [RIP]
    lock_ud "LOCK MOV", db 0xf0, 0x89, 0x05, 0, 0, 0, 0
    lock_ud "LOCK NOP", db 0xf0, 0x90
    lock_ud "LOCK CMP", db 0xf0, 0x39, 0x05, 0, 0, 0, 0
    lock_ud "LOCK SHL", db 0xf0, 0xd1, 0x25, 0, 0, 0, 0
    ret

widths:
    lea rbx, [line + 60]                ; across two cache lines
    mov dword [rbx], 5
    mov dword [rbx + 4], 0
    lock add qword [rbx], 1
    mov rax, [rbx]
    check "a locked addition across cache lines", rax, 6
    lea rbx, [line + 4092]              ; across two pages
    mov eax, 0xffffffff
    mov [rbx], rax
    lock inc qword [rbx]
    mov r9, 1 << 32
    mov rax, [rbx]
    check "a locked increment across pages", rax, r9
    mov eax, 7
    xchg [rbx], eax
    check "XCHG across pages", rax, 0
    lea rbx, [line]
    mov qword [rbx], 1
    mov qword [rbx + 8], 2
    mov eax, 1
    mov edx, 2
    mov r8, rbx
    push rbx
    mov ebx, 3
    mov ecx, 4
    lock cmpxchg16b [r8]
    pop rbx
    setz al
    movzx eax, al
    check "CMPXCHG16B that is equal", rax, 1
    check "  stores", [line], 3
    check "  both halves", [line + 8], 4
    mov eax, 9
    xor edx, edx
    lock cmpxchg16b [r8]
    check "CMPXCHG16B that is not equal loads", rax, 3
    catch
    lock cmpxchg16b [r8 + 8]
    caught_here
    expect "CMPXCHG16B, not aligned", 13, 0
    catch
    movaps xmm0, [r8 + 4]
    caught_here
    expect "MOVAPS, not aligned", 13, 0
    ret

user_unaligned:
    mov eax, [line + 1]
    int 0x80
user_aligned:
    mov eax, [line + 4]
    int 0x80
alignment:
    mov rax, cr0
    or eax, 0x40000                     ; AM
    mov cr0, rax
    mov qword [user_flags], 0x40002     ; AC
    in_user user_unaligned
    expect "#AC at CPL 3", 17, 0
    in_user user_aligned
    expect "an aligned access", 0x80, 0
    mov qword [user_flags], 2
    in_user user_unaligned
    expect "without EFLAGS.AC", 0x80, 0
    pushfq
    or qword [rsp], 0x40000
    popfq
    catch
    mov eax, [line + 1]
    caught_here
    expect "at CPL 0", NONE, 0
    pushfq
    and qword [rsp], ~0x40000
    popfq
    mov rax, cr0
    and eax, ~0x40000
    mov cr0, rax
    ret

start_second:
    mov esi, trampoline
    mov edi, TRAMPOLINE
    mov ecx, trampoline_end - trampoline
    rep movsb
    mov ebx, APIC
    mov dword [rbx + 0xf0], 0x1ff
    mov dword [rbx + ICR_HIGH], 1 << 24
    mov dword [rbx + ICR], 0x4500       ; INIT
    call pause_a_while
    mov dword [rbx + ICR_HIGH], 1 << 24
    mov dword [rbx + ICR], 0x4600 | TRAMPOLINE >> 12
.wait:
    pause
    cmp dword [second_is_up], 0
    je .wait
    mov eax, [second_flags]
    check "the second processor starts with EFLAGS 2", rax, 2
    mov eax, [second_cr0]
    check "  and CR0 as INIT leaves it", rax, 0x60000010
    movzx eax, word [second_cs]
    check "  CS is the vector", rax, TRAMPOLINE >> 4
    ret
pause_a_while:
    mov ecx, 100000
.loop:
    pause
    loop .loop
    ret

; both LABEL: the two processors run it at the same time; ESI is 0 for the first.
%macro both 1
    mov dword [done], 0
    mov rax, %1
    mov [work], rax
    xor esi, esi
    call %1
%%wait:
    pause
    cmp dword [done], 1
    jne %%wait
%endmacro

second_main:
    mov dword [second_is_up], 1
.next:
    pause
    mov rax, [work]
    test rax, rax
    jz .next
    mov qword [work], 0
    mov esi, 1
    call rax
    mov dword [done], 1
    jmp .next

counters:
    mov qword [counter], 0
    both count_locked
    check "LOCK INC by two processors", [counter], 2 * ROUNDS
    mov qword [counter], 0
    both count_exchange
    check "LOCK CMPXCHG", [counter], 2 * ROUNDS
    mov qword [counter], 0
    both count_xadd
    check "LOCK XADD", [counter], 2 * ROUNDS
    mov qword [line + 4092], 0
    both count_across
    check "LOCK ADD across pages", [line + 4092], 2 * ROUNDS
    mov qword [counter], 0
    mov dword [mutex], 0
    both count_in_mutex
    check "plain additions under XCHG's lock", [counter], 2 * ROUNDS
    mov qword [line], 0
    mov qword [line + 8], 0
    both count_16b
    check "LOCK CMPXCHG16B", [line], 2 * ROUNDS
    check "  both halves", [line + 8], 2 * ROUNDS
    ret
count_locked:
    mov ecx, ROUNDS
.loop:
    lock inc qword [counter]
    loop .loop
    ret
count_exchange:
    mov ecx, ROUNDS
.loop:
    mov rax, [counter]
.again:
    lea rdx, [rax + 1]
    lock cmpxchg [counter], rdx
    jne .again
    loop .loop
    ret
count_xadd:
    mov ecx, ROUNDS
.loop:
    mov eax, 1
    lock xadd [counter], rax
    loop .loop
    ret
count_across:
    mov ecx, ROUNDS
.loop:
    lock add qword [line + 4092], 1
    loop .loop
    ret
count_in_mutex:
    mov ecx, ROUNDS
.loop:
    mov eax, 1
    xchg [mutex], eax
    test eax, eax
    jz .have
    pause
    jmp .loop
.have:
    inc qword [counter]
    mov dword [mutex], 0
    loop .loop
    ret
count_16b:
    mov r11d, ROUNDS
    mov rax, [line]
    mov rdx, [line + 8]
.loop:
    lea rbx, [rax + 1]
    lea rcx, [rdx + 1]
    lock cmpxchg16b [line]
    jne .loop
    dec r11d
    jnz .loop
    ret

; Stores are seen in their order, loads are done in theirs.
message_passing:
    mov qword [data], 0
    mov qword [flag], 0
    mov qword [wrong], 0
    both pass_messages
    check "a message is not seen before its data", [wrong], 0
    ret
pass_messages:
    mov ecx, 1
    test esi, esi
    jnz .reader
.writer:
    mov [data], rcx
    mov [flag], rcx
    inc ecx
    cmp ecx, 200000
    jb .writer
    ret
.reader:
    mov rax, [flag]
    mov rdx, [data]
    cmp rdx, rax
    jae .good
    inc qword [wrong]
.good:
    cmp rax, 200000 - 1
    jb .reader
    ret

; The first processor writes a routine, then a flag; the second serialises and calls it.
cross_modifying:
    mov qword [wrong], 0
    mov qword [flag], 0
    mov qword [data], 0
    both cross_modify
    check "code that another processor has written", [wrong], 0
    ret
cross_modify:
    mov r8d, 1
    test esi, esi
    jnz .runner
.writer:
    mov [shared_code + 1], r8d
    mov [flag], r8
.wait:
    pause
    cmp [data], r8
    jne .wait
    inc r8d
    cmp r8d, 2000
    jb .writer
    ret
.runner:
    pause
    cmp [flag], r8
    jne .runner
    xor eax, eax
    cpuid                               ; serialises
    call shared_code
    cmp rax, r8
    je .good
    inc qword [wrong]
.good:
    mov [data], r8
    inc r8d
    cmp r8d, 2000
    jb .runner
    ret
    align 64
shared_code:
    mov eax, 0
    ret
    align 64

bits 16
trampoline:                             ; at TRAMPOLINE, in real mode
    pushf
    pop cx
    mov ebp, cr0
    mov bx, cs
    xor ax, ax
    mov ds, ax
    o32 lgdt [TRAMPOLINE + .pointer - trampoline]
    mov eax, cr4
    or eax, 0x620
    mov cr4, eax
    mov eax, [TRAMPOLINE + .cr3 - trampoline]
    mov cr3, eax
    mov esi, ecx
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x900
    wrmsr
    mov eax, 0x80010033
    mov cr0, eax
    jmp dword KERNEL_CODE:second_start
.pointer:
    dw gdt_end - gdt - 1
    dd gdt
.cr3: dd pml4
trampoline_end:

bits 64
second_start:
    mov ax, KERNEL_DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
    movzx esi, si
    mov [second_flags], esi
    mov [second_cr0], ebp
    mov [second_cs], bx
    mov rsp, second_stack
    lidt [idt_pointer]
    jmp second_main

    align 8
second_is_up: dd 0
second_flags: dd 0
second_cr0: dd 0
second_cs: dw 0
    align 64
work: dq 0
done: dq 0
    align 64
counter: dq 0
    align 64
data: dq 0
    align 64
flag: dq 0
    align 64
wrong: dq 0
mutex: dq 0
    times 1024 db 0
second_stack:
    align 4096
line: times 2 * 4096 db 0
finish
