#include "verify/dkim.h"

struct str dkim_result_text(enum dkim_result result)
{
    static const char *const texts[] = {
        [DKIM_PASS] = "pass",       [DKIM_FAIL] = "fail",           [DKIM_POLICY] = "policy",
        [DKIM_NEUTRAL] = "neutral", [DKIM_TEMPERROR] = "temperror", [DKIM_PERMERROR] = "permerror",
    };
    return str_of(texts[result]);
}

struct str dkim_algorithm_text(enum dkim_algorithm algorithm)
{
    return algorithm == DKIM_RSA_SHA256 ? STR("rsa-sha256") : STR("ed25519-sha256");
}

struct str dkim_algorithm_key_type(enum dkim_algorithm algorithm)
{
    return algorithm == DKIM_RSA_SHA256 ? STR("rsa") : STR("ed25519");
}
