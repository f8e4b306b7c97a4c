/** One escape of JSON, also inside a JSON text that is itself a string of JSON. */
const ESCAPE = /\\+u([0-9a-f]{4})/gi;

/**
 * True if a text could contain x402 terms, in any spelling of JSON: a parser also reads `"x402\u0056ersion"` as that key. Attack: a tool
 * fails with terms of its own. Paying MCP clients act on terms anywhere in a result with `isError`, and would pay the tool's payee (law 5).
 */
export const mentionsTerms = (text: string): boolean =>
  text
    .replace(ESCAPE, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .includes('x402Version');
