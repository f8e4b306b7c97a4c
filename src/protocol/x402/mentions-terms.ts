/** One escape of JSON, also inside a JSON text that is itself a string of JSON. */
const ESCAPE = /\\+u([0-9a-f]{4})/gi;

/**
 * True if a text could be x402 terms, or hold them, in any spelling of JSON. Attack: paying clients of MCP act on terms in a result with
 * `isError`, wherever they are in it, and would pay whom a tool names (law 5). `"x402\u0056ersion"` is a key to them too.
 */
export const mentionsTerms = (text: string): boolean =>
  text
    .replace(ESCAPE, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .includes('x402Version');
