#include "cpu/decode/isa_features.h"

namespace tandem::cpu {
namespace {

struct Row {
  ZydisISASet set;
  Feature feature;
};

// Sets that are not named here belong to processors that we do not model.
constexpr Row kRows[] = {
    {ZYDIS_ISA_SET_I86, Feature::kCount},
    {ZYDIS_ISA_SET_I186, Feature::kCount},
    {ZYDIS_ISA_SET_I286PROTECTED, Feature::kCount},
    {ZYDIS_ISA_SET_I286REAL, Feature::kCount},
    {ZYDIS_ISA_SET_I386, Feature::kCount},
    {ZYDIS_ISA_SET_I486, Feature::kCount},
    {ZYDIS_ISA_SET_I486REAL, Feature::kCount},
    {ZYDIS_ISA_SET_PENTIUMREAL, Feature::kCount},
    {ZYDIS_ISA_SET_PPRO, Feature::kCount},
    {ZYDIS_ISA_SET_FAT_NOP, Feature::kCount},
    {ZYDIS_ISA_SET_PAUSE, Feature::kCount},
    {ZYDIS_ISA_SET_PREFETCH_NOP, Feature::kCount},
    {ZYDIS_ISA_SET_PREFETCHWT1, Feature::kCount},
    {ZYDIS_ISA_SET_SSE_PREFETCH, Feature::kCount},
    {ZYDIS_ISA_SET_CET, Feature::kCount},  // ENDBR is a NOP without CET; the rest has no executor
    {ZYDIS_ISA_SET_CLDEMOTE, Feature::kCount},
    {ZYDIS_ISA_SET_RDPMC, Feature::kCount},
    {ZYDIS_ISA_SET_LAHF, Feature::kCount},
    {ZYDIS_ISA_SET_LONGMODE, Feature::kLm},
    {ZYDIS_ISA_SET_AMD, Feature::kSyscall},
    {ZYDIS_ISA_SET_X87, Feature::kFpu},
    {ZYDIS_ISA_SET_FCMOV, Feature::kCmov},
    {ZYDIS_ISA_SET_CMOV, Feature::kCmov},
    {ZYDIS_ISA_SET_PENTIUMMMX, Feature::kMmx},
    {ZYDIS_ISA_SET_FXSAVE, Feature::kFxsr},
    {ZYDIS_ISA_SET_FXSAVE64, Feature::kFxsr},
    {ZYDIS_ISA_SET_SSE, Feature::kSse},
    {ZYDIS_ISA_SET_SSEMXCSR, Feature::kSse},
    {ZYDIS_ISA_SET_SSE2, Feature::kSse2},
    {ZYDIS_ISA_SET_SSE2MMX, Feature::kSse2},
    {ZYDIS_ISA_SET_SSE3, Feature::kSse3},
    {ZYDIS_ISA_SET_SSE3X87, Feature::kSse3},
    {ZYDIS_ISA_SET_SSSE3, Feature::kSsse3},
    {ZYDIS_ISA_SET_SSSE3MMX, Feature::kSsse3},
    {ZYDIS_ISA_SET_SSE4, Feature::kSse41},
    {ZYDIS_ISA_SET_SSE42, Feature::kSse42},
    {ZYDIS_ISA_SET_SSE4A, Feature::kSse4a},
    {ZYDIS_ISA_SET_AES, Feature::kAes},
    {ZYDIS_ISA_SET_PCLMULQDQ, Feature::kPclmulqdq},
    {ZYDIS_ISA_SET_SHA, Feature::kShaNi},
    {ZYDIS_ISA_SET_GFNI, Feature::kGfni},
    {ZYDIS_ISA_SET_AVX, Feature::kAvx},
    {ZYDIS_ISA_SET_AVXAES, Feature::kAes},
    {ZYDIS_ISA_SET_AVX2, Feature::kAvx2},
    {ZYDIS_ISA_SET_AVX2GATHER, Feature::kAvx2},
    {ZYDIS_ISA_SET_FMA, Feature::kFma},
    {ZYDIS_ISA_SET_F16C, Feature::kF16c},
    {ZYDIS_ISA_SET_VAES, Feature::kVaes},
    {ZYDIS_ISA_SET_VPCLMULQDQ, Feature::kVpclmulqdq},
    {ZYDIS_ISA_SET_AVX_GFNI, Feature::kGfni},
    {ZYDIS_ISA_SET_AVX_VNNI, Feature::kAvxVnni},
    {ZYDIS_ISA_SET_AVX512F_128, Feature::kAvx512f},
    {ZYDIS_ISA_SET_AVX512F_128N, Feature::kAvx512f},
    {ZYDIS_ISA_SET_AVX512F_256, Feature::kAvx512f},
    {ZYDIS_ISA_SET_AVX512F_512, Feature::kAvx512f},
    {ZYDIS_ISA_SET_AVX512F_KOP, Feature::kAvx512f},
    {ZYDIS_ISA_SET_AVX512F_SCALAR, Feature::kAvx512f},
    {ZYDIS_ISA_SET_AVX512BW_128, Feature::kAvx512bw},
    {ZYDIS_ISA_SET_AVX512BW_128N, Feature::kAvx512bw},
    {ZYDIS_ISA_SET_AVX512BW_256, Feature::kAvx512bw},
    {ZYDIS_ISA_SET_AVX512BW_512, Feature::kAvx512bw},
    {ZYDIS_ISA_SET_AVX512BW_KOP, Feature::kAvx512bw},
    {ZYDIS_ISA_SET_AVX512DQ_128, Feature::kAvx512dq},
    {ZYDIS_ISA_SET_AVX512DQ_128N, Feature::kAvx512dq},
    {ZYDIS_ISA_SET_AVX512DQ_256, Feature::kAvx512dq},
    {ZYDIS_ISA_SET_AVX512DQ_512, Feature::kAvx512dq},
    {ZYDIS_ISA_SET_AVX512DQ_KOP, Feature::kAvx512dq},
    {ZYDIS_ISA_SET_AVX512DQ_SCALAR, Feature::kAvx512dq},
    {ZYDIS_ISA_SET_AVX512CD_128, Feature::kAvx512cd},
    {ZYDIS_ISA_SET_AVX512CD_256, Feature::kAvx512cd},
    {ZYDIS_ISA_SET_AVX512CD_512, Feature::kAvx512cd},
    {ZYDIS_ISA_SET_AVX512_IFMA_128, Feature::kAvx512ifma},
    {ZYDIS_ISA_SET_AVX512_IFMA_256, Feature::kAvx512ifma},
    {ZYDIS_ISA_SET_AVX512_IFMA_512, Feature::kAvx512ifma},
    {ZYDIS_ISA_SET_AVX512_VBMI_128, Feature::kAvx512vbmi},
    {ZYDIS_ISA_SET_AVX512_VBMI_256, Feature::kAvx512vbmi},
    {ZYDIS_ISA_SET_AVX512_VBMI_512, Feature::kAvx512vbmi},
    {ZYDIS_ISA_SET_AVX512_VBMI2_128, Feature::kAvx512vbmi2},
    {ZYDIS_ISA_SET_AVX512_VBMI2_256, Feature::kAvx512vbmi2},
    {ZYDIS_ISA_SET_AVX512_VBMI2_512, Feature::kAvx512vbmi2},
    {ZYDIS_ISA_SET_AVX512_VNNI_128, Feature::kAvx512vnni},
    {ZYDIS_ISA_SET_AVX512_VNNI_256, Feature::kAvx512vnni},
    {ZYDIS_ISA_SET_AVX512_VNNI_512, Feature::kAvx512vnni},
    {ZYDIS_ISA_SET_AVX512_BITALG_128, Feature::kAvx512bitalg},
    {ZYDIS_ISA_SET_AVX512_BITALG_256, Feature::kAvx512bitalg},
    {ZYDIS_ISA_SET_AVX512_BITALG_512, Feature::kAvx512bitalg},
    {ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_128, Feature::kAvx512vpopcntdq},
    {ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_256, Feature::kAvx512vpopcntdq},
    {ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_512, Feature::kAvx512vpopcntdq},
    {ZYDIS_ISA_SET_AVX512_BF16_128, Feature::kAvx512bf16},
    {ZYDIS_ISA_SET_AVX512_BF16_256, Feature::kAvx512bf16},
    {ZYDIS_ISA_SET_AVX512_BF16_512, Feature::kAvx512bf16},
    {ZYDIS_ISA_SET_AVX512_VP2INTERSECT_128, Feature::kAvx512vp2intersect},
    {ZYDIS_ISA_SET_AVX512_VP2INTERSECT_256, Feature::kAvx512vp2intersect},
    {ZYDIS_ISA_SET_AVX512_VP2INTERSECT_512, Feature::kAvx512vp2intersect},
    {ZYDIS_ISA_SET_AVX512_GFNI_128, Feature::kGfni},
    {ZYDIS_ISA_SET_AVX512_GFNI_256, Feature::kGfni},
    {ZYDIS_ISA_SET_AVX512_GFNI_512, Feature::kGfni},
    {ZYDIS_ISA_SET_AVX512_VAES_128, Feature::kVaes},
    {ZYDIS_ISA_SET_AVX512_VAES_256, Feature::kVaes},
    {ZYDIS_ISA_SET_AVX512_VAES_512, Feature::kVaes},
    {ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_128, Feature::kVpclmulqdq},
    {ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_256, Feature::kVpclmulqdq},
    {ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_512, Feature::kVpclmulqdq},
    {ZYDIS_ISA_SET_BMI1, Feature::kBmi1},
    {ZYDIS_ISA_SET_BMI2, Feature::kBmi2},
    {ZYDIS_ISA_SET_LZCNT, Feature::kAbm},
    {ZYDIS_ISA_SET_POPCNT, Feature::kPopcnt},
    {ZYDIS_ISA_SET_MOVBE, Feature::kMovbe},
    {ZYDIS_ISA_SET_ADOX_ADCX, Feature::kAdx},
    {ZYDIS_ISA_SET_CMPXCHG16B, Feature::kCx16},
    {ZYDIS_ISA_SET_CLFSH, Feature::kClflush},
    {ZYDIS_ISA_SET_CLFLUSHOPT, Feature::kClflushopt},
    {ZYDIS_ISA_SET_CLWB, Feature::kClwb},
    {ZYDIS_ISA_SET_CLZERO, Feature::kClzero},
    {ZYDIS_ISA_SET_INVPCID, Feature::kInvpcid},
    {ZYDIS_ISA_SET_PKU, Feature::kPku},
    {ZYDIS_ISA_SET_RDPID, Feature::kRdpid},
    {ZYDIS_ISA_SET_RDRAND, Feature::kRdrand},
    {ZYDIS_ISA_SET_RDSEED, Feature::kRdseed},
    {ZYDIS_ISA_SET_RDTSCP, Feature::kRdtscp},
    {ZYDIS_ISA_SET_RDWRFSGS, Feature::kFsgsbase},
    {ZYDIS_ISA_SET_SERIALIZE, Feature::kSerialize},
    {ZYDIS_ISA_SET_SMAP, Feature::kSmap},
    {ZYDIS_ISA_SET_SVM, Feature::kHypervisor},  // VMMCALL and VMCALL alone are known
    {ZYDIS_ISA_SET_VTX, Feature::kHypervisor},
    {ZYDIS_ISA_SET_XSAVE, Feature::kXsave},
    {ZYDIS_ISA_SET_XSAVEC, Feature::kXsavec},
    {ZYDIS_ISA_SET_XSAVEOPT, Feature::kXsaveopt},
    {ZYDIS_ISA_SET_XSAVES, Feature::kXsaves},
};

}  // namespace

bool FeatureOfIsaSet(ZydisISASet set, Feature& feature) {
  for (const Row& row : kRows) {
    if (row.set == set) {
      feature = row.feature;
      return true;
    }
  }
  return false;
}

bool NeedsAvx512vl(ZydisISASet set) {
  switch (set) {
    case ZYDIS_ISA_SET_AVX512F_128:
    case ZYDIS_ISA_SET_AVX512F_256:
    case ZYDIS_ISA_SET_AVX512BW_128:
    case ZYDIS_ISA_SET_AVX512BW_256:
    case ZYDIS_ISA_SET_AVX512DQ_128:
    case ZYDIS_ISA_SET_AVX512DQ_256:
    case ZYDIS_ISA_SET_AVX512CD_128:
    case ZYDIS_ISA_SET_AVX512CD_256:
    case ZYDIS_ISA_SET_AVX512_IFMA_128:
    case ZYDIS_ISA_SET_AVX512_IFMA_256:
    case ZYDIS_ISA_SET_AVX512_VBMI_128:
    case ZYDIS_ISA_SET_AVX512_VBMI_256:
    case ZYDIS_ISA_SET_AVX512_VBMI2_128:
    case ZYDIS_ISA_SET_AVX512_VBMI2_256:
    case ZYDIS_ISA_SET_AVX512_VNNI_128:
    case ZYDIS_ISA_SET_AVX512_VNNI_256:
    case ZYDIS_ISA_SET_AVX512_BITALG_128:
    case ZYDIS_ISA_SET_AVX512_BITALG_256:
    case ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_128:
    case ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_256:
    case ZYDIS_ISA_SET_AVX512_BF16_128:
    case ZYDIS_ISA_SET_AVX512_BF16_256:
    case ZYDIS_ISA_SET_AVX512_VP2INTERSECT_128:
    case ZYDIS_ISA_SET_AVX512_VP2INTERSECT_256:
    case ZYDIS_ISA_SET_AVX512_GFNI_128:
    case ZYDIS_ISA_SET_AVX512_GFNI_256:
    case ZYDIS_ISA_SET_AVX512_VAES_128:
    case ZYDIS_ISA_SET_AVX512_VAES_256:
    case ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_128:
    case ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_256:
      return true;
    default:
      return false;
  }
}

}  // namespace tandem::cpu
