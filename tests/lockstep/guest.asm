; A guest that does a bit of everything, in 32-bit code with flat segments, until ROUNDS are done: then
; it reports 'G' on port 0xe9 and halts.
bits 32
org 0x1000

IDT equ 0x5000
STACK equ 0x8000
DATA equ 0x10000
COPY equ 0x20000
ROUNDS equ 2000

%macro set_handler 2  ; vector, label below 64 KiB
    mov dword [IDT + %1 * 8], %2 + 0x80000  ; selector 8
    mov dword [IDT + %1 * 8 + 4], 0x8e00
%endmacro

start:
    mov esp, STACK
    lidt [idt_pointer]
    set_handler 6, on_undefined
    set_handler 0x40, on_interrupt
    mov eax, cr4
    or eax, 0x600  ; OSFXSR, OSXMMEXCPT
    mov cr4, eax
    fninit
    fldz
    pxor xmm0, xmm0
    sti
    mov ebp, ROUNDS
.round:
    mov eax, ebp
    imul eax, eax, 0x9e3779b1
    call mix
    call devices
    call strings
    call units
%ifndef NO_FAULTS
    ud2
%endif
    call spin
    dec ebp
    jnz .round
    mov al, 'G'
    out 0xe9, al
    cli
    hlt

; A loop of one block, and flags that are saved.
spin:
    mov ecx, 40
.again:
    rcl edx, 3
    adc edx, ecx
    xor [DATA + ecx * 4], edx
    dec ecx
    jnz .again
    pushf
    pop ebx
    ret

devices:
    in al, 0x60
    xor [DATA], al
    rdtsc
    add [DATA + 8], eax
    mov eax, [0xd0000]
    mov [0xd0004], eax
    ret

strings:
    cld
    mov esi, DATA
    mov edi, COPY
    mov ecx, 1500
    rep movsd
    mov edi, COPY + 3
    mov ecx, 1300
    mov eax, ebp
    rep stosb
    mov edi, COPY
    mov ecx, 4000
    repne scasb
    ret

units:
    mov [DATA + 16], ebp
    fiadd dword [DATA + 16]
    fst qword [DATA + 24]
    cvtsi2sd xmm1, ebp
    addsd xmm0, xmm1
    movsd [DATA + 32], xmm0
    ret

on_undefined:
    add dword [esp], 2
    iret

on_interrupt:
    inc dword [DATA + 64]
    iret

idt_pointer:
    dw 0x7ff
    dd IDT

; At a known place: the instruction that a faulty engine executes otherwise.
    times 0x400 - ($ - $$) int3
mix:
    xor ebx, eax
    mov edx, ebx
    mov [DATA + 40], edx  ; at 0x1404
    stc
    sbb edx, eax  ; at 0x140b
    ret
