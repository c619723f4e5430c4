; Loops over pages that lie in memory in the opposite order, beside accesses to one place: what a translator
; knows of that place must outlive the search for each of the pages, also past branches.
%include "tests/guest/conformance/kit64.inc"

PAGES equ 256
ROUNDS equ PAGES * 20000
BACKING equ 0x1000000

main:
    call scatter
    call branches
    call carries
    call search
    ret

; WINDOW's page n begins with the number n.
scatter:
    lea rdi, [window_pte]
    mov rsi, WINDOW
    mov eax, BACKING + (PAGES - 1) * 4096 + (P | RW)
    xor ecx, ecx
.page:
    mov [rdi], rax
    invlpg [rsi]
    mov [rsi], rcx
    sub eax, 4096
    add rdi, 8
    add rsi, 4096
    inc ecx
    cmp ecx, PAGES
    jne .page
    check "the last page comes first", [BACKING], PAGES - 1
    ret

branches:
    lea rbx, [record]
    mov rdx, WINDOW
    xor edi, edi
    xor esi, esi
    mov r8d, ROUNDS
.round:
    mov rax, [rbx]
    mov rcx, [rdx + rdi]
    add rsi, rax
    test cl, 1
    jz .even
    add rsi, [rbx + 8]
    add rsi, rcx
    jmp .next
.even:
    add rsi, [rbx + 16]
.next:
    add edi, 4096
    and edi, PAGES * 4096 - 1
    dec r8d
    jnz .round
    check "sums past branches", rsi, ROUNDS / 2 * (1 + 10 + PAGES / 2 + 1 + 100)
    ret

; Flags live over the search, and registers that may have no place in the host's.
carries:
    lea rbx, [record]
    mov rdx, WINDOW
    xor edi, edi
    xor ecx, ecx
    xor r11d, r11d
    xor r12d, r12d
    mov r8d, ROUNDS
.round:
    mov r9, [rbx]
    bt ecx, 0
    mov rcx, [rdx + rdi]
    adc r11, [rbx + 8]
    add r11, r9
    bt ecx, 0
    mov rax, [rdx + rdi]
    adc r12, [rbx + 16]
    add edi, 4096
    and edi, PAGES * 4096 - 1
    dec r8d
    jnz .round
    check "a carry over a search", r11, ROUNDS * (1 + 10) + ROUNDS / 2 - 1
    check "and over another", r12, ROUNDS * 100 + ROUNDS / 2
    ret

; A list through all pages, forward where the number is odd and by another pointer where it is not.
search:
    mov rdx, WINDOW
    mov rsi, rdx
    mov ecx, PAGES
.link:
    lea rax, [rsi + 4096]
    dec ecx
    cmovz rax, rdx
    mov [rsi + 8], rax
    mov [rsi + 16], rax
    mov rsi, rax
    jnz .link
    mov rax, rdx
    xor esi, esi
    mov r8d, ROUNDS
.node:
    mov rcx, [rax]
    add rsi, rcx
    dec r8d
    jz .end
    test cl, 1
    jz .other
    mov rax, [rax + 8]
    jmp .node
.other:
    mov rax, [rax + 16]
    jmp .node
.end:
    check "a list through all pages", rsi, ROUNDS / 2 * (PAGES - 1)
    ret

    align 8
record: dq 1, 10, 100
finish
