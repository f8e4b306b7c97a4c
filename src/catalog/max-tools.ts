/** The maximum number of tools in a catalogue. */
export const MAX_TOOLS = 1_000;
