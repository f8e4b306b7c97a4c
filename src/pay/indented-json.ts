/**
 * Indents JSON for reading. It moves white space only, so numbers that a `number` of JavaScript cannot hold, and members that occur twice,
 * are shown as the tool sent them.
 *
 * @returns undefined if the text is not JSON
 */
export const indentedJson = (text: string): string | undefined => {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let depth = 0;
  let line = '';
  const newLine = (): string => `\n${'  '.repeat(depth)}`;
  // A string is one token, so that its braces and commas do not count.
  for (const [token] of text.matchAll(
    /"[^"\\]*(?:\\.[^"\\]*)*"|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/g,
  )) {
    if (token === '{' || token === '[') {
      depth += 1;
      line += token + newLine();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      line += newLine() + token;
    } else if (token === ',') line += `,${newLine()}`;
    else if (token === ':') line += ': ';
    else line += /^[{[]/.test(token) ? token.replaceAll(/\s/g, '') : token;
  }
  return line;
};
