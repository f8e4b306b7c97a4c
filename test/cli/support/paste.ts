import type { Paste } from '../../../src/cli/init/paste.ts';

/** Applies the lines that `init` printed to a wrangler.toml, each at the place that `init` named. */
export const pasted = (toml: string, pastes: readonly Paste[]): string => {
  const lines = toml.trimEnd().split('\n');
  // Start at the bottom, because the line numbers count without the pasted lines.
  for (const { line, how, text } of pastes.toSorted((one, other) => other.line - one.line)) {
    const present = lines[line - 1] ?? '';
    if (how === 'add at the end of the file') lines.push('', text);
    else if (how.startsWith('instead of ')) lines[line - 1] = text;
    else if (present.startsWith('[')) lines.splice(line, 0, text);
    else lines[line - 1] = present.replace(/\](?=[^\]]*$)/, `, ${text}]`);
  }
  return `${lines.join('\n')}\n`;
};
