; Code that is written while it runs: by itself, through another address, across pages. SDM Vol. 3, 8.1.3
; "Handling Self- and Cross-Modifying Code", 11.6.
%include "tests/guest/conformance/kit64.inc"

%macro run_times 2                      ; label, how often: so that it is translated and linked
    mov r12d, %2
%%again:
    call %1
    dec r12d
    jnz %%again
%endmacro

main:
    call next_instruction
    call immediate
    call own_loop
    call aliased
    call across_pages
    call by_rep_movs
    call by_locked
    call remapped
    ret

next_instruction:                       ; the very next one, in the same line
    mov r12d, 100
    xor ebx, ebx
.again:
    xor byte [.patched + 1], 1          ; MOV AL, 0 and 1 in turn
    jmp .patched                        ; a branch, as the manual asks for
.patched:
    mov al, 0
    movzx eax, al
    add ebx, eax
    dec r12d
    jnz .again
    check "an instruction written behind a jump", rbx, 50
    xor ebx, ebx
    mov r12d, 100
.again2:
    xor byte [.patched2 + 1], 1
.patched2:
    mov al, 0                           ; processors since the Pentium see it at once
    movzx eax, al
    add ebx, eax
    dec r12d
    jnz .again2
    check "the very next instruction", rbx, 50
    ret

value:
    mov eax, 1
    ret
immediate:
    run_times value, 1000
    mov dword [value + 1], 2
    call value
    check "an immediate of a routine that has run often", rax, 2
    mov byte [value + 5], 0x90          ; RET becomes NOP; the next instruction is RET
    mov byte [value + 6], 0xc3
    call value
    check "its length changes", rax, 2
    mov byte [value + 5], 0xc3
    mov word [value + 6], 0x9090
    mov dword [value + 1], 1
    ret

own_loop:                               ; a loop that rewrites its own body in the middle of its run
    xor ebx, ebx
    mov ecx, 2000
.loop:
    cmp ecx, 1000
    jne .body
    mov byte [.body + 2], 3
.body:
    add ebx, byte 1
    dec ecx
    jnz .loop
    check "a loop writes its own body", rbx, 1000 + 1000 * 3
    mov byte [.body + 2], 1
    ret

ALIAS equ USER                          ; the same bytes, for users
aliased:
    run_times value, 1000
    mov rdi, ALIAS + value + 1
    mov dword [rdi], 7
    call value
    check "code written through another linear address", rax, 7
    mov rbx, ALIAS + value
    call rbx
    check "  and run through it", rax, 7
    mov dword [value + 1], 8
    call rbx
    check "  written here, run there", rax, 8
    mov dword [value + 1], 1
    ret

across_pages:                           ; MOV EAX, imm32 whose immediate lies in the next page
    mov byte [frame + 4095], 0xb8
    mov dword [frame + 4096], 1
    mov byte [frame + 4100], 0xc3
    run_times frame + 4095, 1000
    mov byte [frame + 4098], 1
    call frame + 4095
    check "an instruction across pages, its second page written", rax, 0x10001
    mov byte [frame + 4095], 0xb9       ; MOV ECX instead
    mov eax, 5
    call frame + 4095
    check "  its first page", rax, 5
    ret

routine_nine:
    mov eax, 9
    ret
by_rep_movs:
    run_times value, 1000
    lea rsi, [routine_nine]
    lea rdi, [value]
    mov ecx, 6
    rep movsb
    call value
    check "REP MOVS over code", rax, 9
    lea rdi, [value + 1]
    mov eax, 0x01010101
    mov ecx, 1
    rep stosd
    call value
    check "REP STOS over code", rax, 0x01010101
    mov dword [value + 1], 1
    ret

by_locked:
    run_times value, 1000
    lock add dword [value + 1], 4
    call value
    check "a locked addition to code", rax, 5
    mov eax, 5
    mov ecx, 6
    lock cmpxchg [value + 1], ecx
    call value
    check "a locked CMPXCHG", rax, 6
    movups xmm0, [wide]
    movups [value], xmm0
    call value
    check "a vector store over code", rax, 0x33
    mov dword [value + 1], 1
    ret

remapped:                               ; another page appears at an address that has run
    mov byte [frame], 0xb8
    mov dword [frame + 1], 1
    mov byte [frame + 5], 0xc3
    mov byte [frame + 4096], 0xb8
    mov dword [frame + 4097], 2
    mov byte [frame + 4101], 0xc3
    mov rbx, WINDOW
    run_times rbx, 1000
    mov rax, frame + 4096 + (P | RW | US)
    mov [window_pte], rax
    invlpg [rbx]
    call rbx
    check "another page under the same address", rax, 2
    mov rax, frame + (P | RW | US)
    mov [window_pte], rax
    invlpg [rbx]
    call rbx
    check "  and the first one again", rax, 1
    ret

    align 16
wide: db 0xb8, 0x33, 0, 0, 0, 0xc3
    times 10 db 0x90
    align 4096
finish
