/* A library that looks like a LiteRT from before models belonged to an environment. */
int LiteRtCreateCompiledModel(void) { return 1; }
