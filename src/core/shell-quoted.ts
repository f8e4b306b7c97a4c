/** Quotes text for a POSIX shell. Attack: a schema or URL of another party would otherwise end the quotes and run a command (CWE-78). */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
