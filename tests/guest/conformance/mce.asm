; Machine-check registers. SDM Vol. 3, 15.3.
%include "tests/guest/conformance/kit64.inc"

MCG_CAP equ 0x179
MCG_STATUS equ 0x17a
MCG_CTL equ 0x17b
BANKS equ 0x400

%macro write_faults 3
    catch
    write_msr %2, %3
    caught_here
    expect %1, 13, 0
%endmacro
%macro keeps 3
    write_msr %2, %3
    read_msr %2
    mov rbx, %3
    check %1, rax, rbx
%endmacro

main:
    mov eax, 1
    cpuid
    mov eax, edx
    shr eax, 7
    and eax, 1
    check "CPUID has MCE", rax, 1
    shr edx, 14
    and edx, 1
    check "  and MCA", rdx, 1
    mov rax, cr4
    or eax, 0x40
    mov cr4, rax
    mov rax, cr4
    shr eax, 6
    and eax, 1
    check "CR4.MCE can be set", rax, 1
    read_msr MCG_CAP
    movzx r12, al
    mov rbx, rax
    shr rbx, 8
    and ebx, 1
    check "IA32_MCG_CAP says that IA32_MCG_CTL is there", rbx, 1
    write_faults "IA32_MCG_CAP is read-only", MCG_CAP, 0
    keeps "IA32_MCG_CTL takes all ones", MCG_CTL, -1
    keeps "  and zero", MCG_CTL, 0
    write_faults "  nothing between", MCG_CTL, 5
    keeps "IA32_MCG_STATUS keeps its bits", MCG_STATUS, 7
    write_faults "  and has no others", MCG_STATUS, 1 << 20
    write_msr MCG_STATUS, 0
    keeps "IA32_MC0_CTL takes all ones", BANKS, -1
    keeps "  and zero", BANKS, 0
    keeps "IA32_MC0_STATUS takes zero", BANKS + 1, 0
    write_faults "  and nothing else", BANKS + 1, 1
    keeps "IA32_MC0_ADDR takes zero", BANKS + 2, 0
    keeps "IA32_MC0_MISC takes zero", BANKS + 3, 0
    shl r12, 2                          ; behind the last bank
    lea rbx, [r12 + BANKS]
    catch
    mov ecx, ebx
    rdmsr
    caught_here
    expect "the bank behind the last", 13, 0
    lea rbx, [r12 + BANKS - 1]
    catch
    mov ecx, ebx
    rdmsr
    caught_here
    expect "the last bank", NONE, 0
    ret
finish
