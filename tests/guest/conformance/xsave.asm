; Extended state: XCR0, XSAVE and its relatives, compaction, XSS. SDM Vol. 1, chapter 13.
%include "tests/guest/conformance/kit64.inc"

X87 equ 1
SSE equ 2
AVX equ 4
PKRU equ 1 << 9
OSXSAVE equ 1 << 18

%macro set_xcr0 1
    mov rax, %1
    mov rdx, rax
    shr rdx, 32
    xor ecx, ecx
    xsetbv
%endmacro
%macro mask 1                   ; EDX:EAX
    mov rax, %1
    mov rdx, rax
    shr rdx, 32
%endmacro
%macro xsetbv_faults 2          ; "NAME", value
    catch
    set_xcr0 %2
    caught_here
    expect %1, 13, 0
%endmacro
%macro clear_image 0
    lea rdi, [image]
    mov ecx, 4096 / 8
    xor eax, eax
    rep stosq
%endmacro

user_xsetbv:
    xor ecx, ecx
    mov eax, 7
    xor edx, edx
    xsetbv
user_xsaves:
    xor edx, edx
    mov eax, 7
    xsaves [image]

main:
    catch
    mask 3
    xsave [image]
    caught_here
    expect "XSAVE without CR4.OSXSAVE", 6, 0
    catch
    xor ecx, ecx
    xgetbv
    caught_here
    expect "XGETBV without it", 6, 0
    mov eax, 1
    cpuid
    shr ecx, 27
    and ecx, 1
    check "CPUID.OSXSAVE is clear", rcx, 0
    mov rax, cr4
    or eax, OSXSAVE
    mov cr4, rax
    mov eax, 1
    cpuid
    shr ecx, 27
    and ecx, 1
    check "  and follows CR4", rcx, 1
    call control
    call save_restore
    call compaction
    call supervisor
    ret

control:
    xor ecx, ecx
    xgetbv
    check "XCR0 begins with x87 only", rax, 1
    xsetbv_faults "XSETBV without x87", SSE
    xsetbv_faults "XSETBV of AVX without SSE", X87 | AVX
    xsetbv_faults "XSETBV of an unknown component", X87 | (1 << 62)
    xsetbv_faults "XSETBV of opmasks alone", X87 | SSE | AVX | (1 << 5)
    catch
    mov ecx, 1
    mov eax, 1
    xor edx, edx
    xsetbv
    caught_here
    expect "XSETBV of another register", 13, 0
    in_user user_xsetbv
    expect "XSETBV at CPL 3", 13, 0
    mov eax, 0xd
    xor ecx, ecx
    cpuid
    mov [supported], eax
    mov r12d, ebx
    check "CPUID 0DH: the size for XCR0 = 1", r12, 576
    set_xcr0 X87 | SSE | AVX
    mov eax, 0xd
    xor ecx, ecx
    cpuid
    mov r12d, ebx
    check "CPUID 0DH: the size with AVX", r12, 832
    mov eax, 0xd
    mov ecx, 2
    cpuid
    check "CPUID 0DH, 2: AVX's size", rax, 256
    check "  and offset", rbx, 576
    mov rax, cr0
    or eax, 8                           ; TS
    mov cr0, rax
    catch
    mask 7
    xsave [image]
    caught_here
    expect "XSAVE with CR0.TS", 7, 0
    clts
    catch
    mask 7
    xsave [image + 8]
    caught_here
    expect "XSAVE to an address not aligned to 64", 13, 0
    ret

load_known:
    fninit
    fld1
    vmovdqu ymm1, [pattern]
    vmovdqu ymm9, [pattern]
    ret

save_restore:
    clear_image
    call load_known
    mask 7
    xsave [image]
    check "XSAVE sets XSTATE_BV", [image + 512], 7
    mov rax, [pattern]
    check "  XMM1", [image + 160 + 16], rax
    mov rax, [pattern + 16]
    check "  the upper half of YMM9", [image + 576 + 9 * 16], rax
    mov rax, [image + 32]
    mov r12, 0x8000000000000000
    check "  ST0", rax, r12
    vzeroall
    fninit
    mask 7
    xrstor [image]
    vmovdqu [scratch], ymm9
    mov rax, [pattern + 24]
    check "XRSTOR brings YMM9 back", [scratch + 24], rax
    fstp qword [scratch]
    mov rax, 0x3ff0000000000000
    check "  and ST0", [scratch], rax
    and qword [image + 512], ~AVX
    mask 7
    xrstor [image]
    vmovdqu [scratch], ymm9
    check "a clear bit in XSTATE_BV clears the component", [scratch + 24], 0
    mov rax, [pattern]
    check "  and it alone", [scratch], rax
    vmovdqu ymm9, [pattern]
    or qword [image + 512], AVX
    mask SSE
    vzeroall
    xrstor [image]
    vmovdqu [scratch], ymm9
    mov rax, [pattern]
    check "a mask restores what it names", [scratch], rax
    check "  only", [scratch + 24], 0
    catch
    bts qword [image + 512], 40
    mask 7
    xrstor [image]
    caught_here
    and qword [image + 512], 7
    expect "XRSTOR with an unknown bit in XSTATE_BV", 13, 0
    catch
    mov qword [image + 528], 1
    mask 7
    xrstor [image]
    caught_here
    mov qword [image + 528], 0
    expect "XRSTOR with a reserved byte of the header", 13, 0
    catch
    mov dword [image + 24], 0xffffffff
    mask 7
    xrstor [image]
    caught_here
    mov dword [image + 24], 0x1f80
    expect "XRSTOR with reserved bits of MXCSR", 13, 0
    vzeroall
    mov ecx, 1
    xgetbv
    and eax, AVX
    check "XGETBV 1: AVX is not in use after VZEROALL", rax, 0
    vmovdqu ymm9, [pattern]
    mov ecx, 1
    xgetbv
    and eax, AVX
    check "  in use after a write", rax, AVX
    clear_image
    vzeroall
    mask 7
    xsaveopt [image]
    mov rax, [image + 512]
    and eax, AVX
    check "XSAVEOPT leaves what is in its initial state", rax, 0
    ret

compaction:
    clear_image
    call load_known
    mask 7
    xsavec [image]
    mov rax, (1 << 63) | 7
    check "XSAVEC sets XCOMP_BV", [image + 520], rax
    check "  and XSTATE_BV", [image + 512], 7
    mov rax, [pattern + 16]
    check "  AVX follows the header", [image + 576 + 9 * 16], rax
    clear_image
    mask X87 | AVX
    xrstor [image]                      ; to their initial state
    vmovdqu ymm1, [pattern]
    mask 7
    xsavec [image]
    check "XSAVEC leaves x87 out when it is initial", [image + 512], 6
    clear_image
    fld1
    mask X87 | AVX
    xsavec [image]
    mov rax, (1 << 63) | 5
    check "XSAVEC of x87 and AVX: XCOMP_BV", [image + 520], rax
    vzeroall
    mask 7
    xrstor [image]
    vmovdqu [scratch], ymm1
    mov rax, [pattern + 16]
    check "XRSTOR reads the compacted form", [scratch + 16], rax
    catch
    btr qword [image + 520], 2          ; XSTATE_BV has a bit that XCOMP_BV lacks
    mask 7
    xrstor [image]
    caught_here
    expect "XSTATE_BV beyond XCOMP_BV", 13, 0
    test dword [supported], PKRU
    jz .done
    set_xcr0 X87 | SSE | AVX | PKRU
    mov rax, cr4
    or eax, 1 << 22
    mov cr4, rax
    xor ecx, ecx
    xor edx, edx
    mov eax, 0x54
    wrpkru
    clear_image
    mask X87 | SSE | PKRU
    xsavec [image]
    mov eax, [image + 576]
    check "PKRU follows the header where AVX is left out", rax, 0x54
    xor ecx, ecx
    xor edx, edx
    xor eax, eax
    wrpkru
    mask PKRU
    xrstor [image]
    xor ecx, ecx
    rdpkru
    check "  and comes back", rax, 0x54
    xor ecx, ecx
    xor edx, edx
    xor eax, eax
    wrpkru
    mov rax, cr4
    and eax, ~(1 << 22)
    mov cr4, rax
    set_xcr0 X87 | SSE | AVX
.done:
    ret

supervisor:
    in_user user_xsaves
    expect "XSAVES at CPL 3", 13, 0
    catch
    write_msr 0xda0, 1
    caught_here
    expect "IA32_XSS has no user component", 13, 0
    write_msr 0xda0, 0
    clear_image
    call load_known
    mask 7
    xsaves [image]
    mov rax, (1 << 63) | 7
    check "XSAVES writes the compacted form", [image + 520], rax
    vzeroall
    mask 7
    xrstors [image]
    vmovdqu [scratch], ymm9
    mov rax, [pattern + 16]
    check "XRSTORS brings YMM9 back", [scratch + 16], rax
    catch
    btr qword [image + 520], 63
    mask 7
    xrstors [image]
    caught_here
    expect "XRSTORS of the standard form", 13, 0
    ret

    align 64, db 0
image: times 4096 db 0
scratch: times 64 db 0
pattern: dq 0x1122334455667788, 0x99aabbccddeeff00, 0x0123456789abcdef, 0xfedcba9876543210
supported: dq 0
finish
