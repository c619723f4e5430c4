; Task switches and task gates. SDM Vol. 3, chapter 7.
%include "tests/guest/conformance/kit32.inc"

OTHER equ SPARE                 ; the TSS of another task
GATE equ SPARE + 8              ; a task gate to it
SMALL equ SPARE + 16            ; a TSS that is too small
HANDLER equ SPARE + 24          ; the TSS of #TS's handler
V equ 0x90

%macro type_of 2                ; the type byte of a descriptor, to a register
    movzx %2, byte [gdt + %1 + 5]
%endmacro
; other_task ENTRY: its state is that of a fresh task
%macro other_task 1
    mov dword [other_tss + 32], %1
    mov dword [other_tss + 36], 2
    mov dword [other_tss + 56], other_stack
    mov word [other_tss], 0
    descriptor OTHER, other_tss, 103, 0x89, 0
%endmacro

main:
    descriptor OTHER, other_tss, 103, 0x89, 0
    mov dword [gdt + GATE], OTHER << 16
    mov dword [gdt + GATE + 4], 0x8500
    call by_call
    call by_jump
    call by_gates
    call faults
    call debug_trap
    ret

; --- the other task's code ---
returning:
    mov eax, cr0
    mov [seen.cr0], eax
    str [seen.task]
    pushfd
    pop dword [seen.eflags]
    mov ax, [other_tss]
    mov [seen.link], ax
    type_of TASK, eax
    mov [seen.old_type], eax
    type_of OTHER, eax
    mov [seen.new_type], eax
    iretd                       ; through the link, as NT is set
    jmp returning               ; the next call goes on behind the IRET
jumping:
    str [seen.task]
    pushfd
    pop dword [seen.eflags]
    type_of TASK, eax
    mov [seen.old_type], eax
    jmp TASK:0

by_call:
    other_task returning
    mov ebx, 0x12345678
    clts
    call OTHER:0
    check "CALL to a TSS runs the other task", [seen.task], OTHER
    check "  and IRET comes back with the registers", ebx, 0x12345678
    mov eax, [seen.cr0]
    and eax, 8
    check "  CR0.TS is set", eax, 8
    mov eax, [seen.eflags]
    and eax, 0x4000
    check "  NT is set", eax, 0x4000
    check "  the link names the old task", [seen.link], TASK
    check "  the old task stays busy", [seen.old_type], 0x8b
    check "  the new one is busy", [seen.new_type], 0x8b
    type_of OTHER, eax
    check "  IRET makes it available again", eax, 0x89
    mov eax, [other_tss + 36]
    and eax, 0x4000
    check "  with NT clear in its TSS", eax, 0
    pushfd
    pop eax
    and eax, 0x4000
    check "  NT is clear in the old task", eax, 0
    str eax
    check "  TR is as before", eax, TASK
    call OTHER:0
    check "a second CALL goes on where the task stopped", [seen.task], OTHER
    clts
    ret

by_jump:
    other_task jumping
    jmp OTHER:0
    check "JMP to a TSS", [seen.task], OTHER
    mov eax, [seen.eflags]
    and eax, 0x4000
    check "  does not nest", eax, 0
    check "  the old task is available", [seen.old_type], 0x89
    type_of TASK, eax
    check "  and busy again afterwards", eax, 0x8b
    clts
    ret

handler_task:                   ; as returning, with an error code on its stack
    pop dword [seen.error]
    str [seen.task]
    iretd
    jmp handler_task

by_gates:
    other_task returning
    mov dword [seen.task], 0
    call GATE:0
    check "CALL through a task gate", [seen.task], OTHER
    other_task returning
    mov dword [idt + V * 8], OTHER << 16
    mov dword [idt + V * 8 + 4], 0x8500
    mov dword [seen.task], 0
    int V
    check "INT through a task gate", [seen.task], OTHER
    mov eax, [idt + 13 * 8]
    mov [saved], eax
    mov eax, [idt + 13 * 8 + 4]
    mov [saved + 4], eax
    other_task handler_task
    mov dword [idt + 13 * 8], OTHER << 16
    mov dword [idt + 13 * 8 + 4], 0x8500
    mov dword [seen.error], -1
    mov word [tss + 32], 0
    mov eax, 0xabc8
    push .after                 ; the faulting instruction is skipped by its handler's return
    mov [fault_stack], esp
    jmp .fault
.fault:
    mov dword [other_return], .after
    other_task skipping
    mov ds, ax                  ; beyond the GDT
.after:
    add esp, 4
    mov ax, KERNEL_DATA
    mov ds, ax
    check "a fault through a task gate: the error code is on the new stack", [seen.error], 0xabc8
    check "  in the other task", [seen.task], OTHER
    mov eax, [saved]
    mov [idt + 13 * 8], eax
    mov eax, [saved + 4]
    mov [idt + 13 * 8 + 4], eax
    clts
    ret
skipping:
    pop dword [seen.error]
    str [seen.task]
    mov eax, [other_return]
    mov [tss + 32], eax         ; the old task's EIP
    iretd

%macro switch_faults 4          ; "NAME", selector, vector, error
    descriptor HANDLER, third_tss, 103, 0x89, 0
    mov dword [third_tss + 32], ts_handler
    mov dword [third_tss + 56], third_stack
    catch
    call %2:0
    caught_here
    expect %1, %3, %4
%endmacro

faults:
    other_task returning
    descriptor OTHER, other_tss, 103, 0x8b, 0
    switch_faults "a busy TSS", OTHER, 13, OTHER
    descriptor OTHER, other_tss, 103, 0x09, 0
    switch_faults "a TSS that is not present", OTHER, 11, OTHER
    descriptor OTHER, other_tss, 102, 0x89, 0
    switch_faults "a TSS that is too small", OTHER, 10, OTHER
    mov dword [gdt + GATE + 4], 0x0500
    switch_faults "a task gate that is not present", GATE, 11, GATE
    mov dword [gdt + GATE], 4 << 16     ; of the LDT
    mov dword [gdt + GATE + 4], 0x8500
    switch_faults "a task gate to the LDT", GATE, 13, 4
    mov dword [gdt + GATE], KERNEL_DATA << 16
    switch_faults "a task gate to a data segment", GATE, 13, KERNEL_DATA
    mov dword [gdt + GATE], OTHER << 16
    ; Faults of the new task's segments are raised in the new task, whose registers cannot be relied on:
    ; #TS has a task of its own.
    mov dword [idt + 10 * 8], HANDLER << 16
    mov dword [idt + 10 * 8 + 4], 0x8500
    other_task returning
    mov dword [other_tss + 76], KERNEL_DATA     ; CS
    switch_faults "a data segment as the new CS", OTHER, 10, KERNEL_DATA
    check "  in the new task", [caught.task], OTHER
    mov dword [other_tss + 76], KERNEL_CODE
    other_task returning
    mov dword [other_tss + 80], 0               ; SS
    switch_faults "a null SS", OTHER, 10, 0
    mov dword [other_tss + 80], KERNEL_DATA
    other_task returning
    mov dword [other_tss + 84], 0x1000          ; DS
    switch_faults "a DS beyond the GDT", OTHER, 10, 0x1000
    mov dword [other_tss + 84], KERNEL_DATA
    other_task returning
    mov dword [other_tss + 96], 0x1000          ; LDT
    switch_faults "an LDT beyond the GDT", OTHER, 10, 0x1000
    mov dword [other_tss + 96], 0
    pushfd
    or dword [esp], 0x4000
    popfd
    descriptor SMALL, other_tss, 103, 0x89, 0
    mov word [tss], SMALL
    descriptor HANDLER, third_tss, 103, 0x89, 0
    mov dword [third_tss + 32], ts_handler
    mov dword [third_tss + 56], third_stack
    catch
    iretd
    caught_here
    pushfd
    and dword [esp], ~0x4000
    popfd
    expect "IRET with NT to a task that is not busy", 10, SMALL
    mov eax, [idt + 11 * 8]     ; #TS as the others again
    and eax, 0xffff0000
    mov [idt + 10 * 8], eax
    mov eax, stubs + 10 * 16
    mov [idt + 10 * 8], ax
    mov dword [idt + 10 * 8 + 4], 0x8e00
    shr eax, 16
    mov [idt + 10 * 8 + 6], ax
    clts
    ret

ts_handler:                     ; notes who was interrupted, and goes on in the first task
    pop dword [caught.error]
    mov dword [caught.vector], 10
    movzx eax, word [third_tss]
    mov [caught.task], eax
    call back_to_first
    mov esp, [resume_esp]
    jmp [resume_eip]

; The fault left the other task running: makes the first one the current again.
back_to_first:
    descriptor TASK, tss, tss_end - tss - 1, 0x89, 0
    mov ax, TASK
    ltr ax
    pushfd
    and dword [esp], ~0x4000
    popfd
    clts
    ret

debug_trap:
    other_task returning
    mov word [other_tss + 100], 1               ; the T bit
    mov eax, 0xffff0ff0
    mov dr6, eax
    catch
    call OTHER:0
    caught_here
    expect "the T bit traps", 1, 0
    check "  at the new task's first instruction", [caught.eip], returning
    mov eax, [caught.dr6]
    check "  with BT in DR6", eax, 0xffff8ff0
    call back_to_first
    mov word [other_tss + 100], 0
    ret

    align 8
saved: dq 0
fault_stack: dd 0
other_return: dd 0
seen:
.cr0: dd 0
.task: dd 0
.eflags: dd 0
.link: dd 0
.old_type: dd 0
.new_type: dd 0
.error: dd 0

    align 128
third_tss:
    times 9 dd 0
    dd 2
    times 8 dd 0
    dd KERNEL_DATA, KERNEL_CODE, KERNEL_DATA, KERNEL_DATA, KERNEL_DATA, KERNEL_DATA
    dd 0
    dw 0, 104
    times 1024 db 0
third_stack:
    align 128
other_tss:
    dd 0
    times 6 dd 0
    dd 0                        ; CR3
    dd 0, 2                     ; EIP, EFLAGS
    dd 0, 0, 0, 0               ; EAX, ECX, EDX, EBX
    dd other_stack, 0, 0, 0     ; ESP, EBP, ESI, EDI
    dd KERNEL_DATA, KERNEL_CODE, KERNEL_DATA, KERNEL_DATA, KERNEL_DATA, KERNEL_DATA
    dd 0                        ; LDT
    dw 0, 104
    times 1024 db 0
other_stack:
finish
