import completions from '@bomb.sh/tab';
import { script } from '@bomb.sh/tab';
import attach from '@bomb.sh/tab/commander';
import type { Command as Parser } from 'commander';
import { join } from 'node:path';
import type { Command } from './lib/command.ts';
import { keyNamesIn } from './lib/keystore.ts';
import { homeOf } from './lib/session.ts';

export const command: Command = {
  summary: 'print a shell script that completes commands and options',
  arguments: [{ syntax: '<shell>', summary: 'the shell', choices: ['bash', 'zsh', 'fish'] }],
  examples: [
    'source <(countersign completion bash)',
    'countersign completion zsh > ~/.zfunc/_countersign',
    'countersign completion fish > ~/.config/fish/completions/countersign.fish',
  ],
  run: async (_session, input) => {
    const { log } = console;
    // The library prints the script itself.
    console.log = (text: string) => log(text.replace(EVALUATED, () => QUOTED));
    try {
      script(input.arguments[0] ?? '', 'countersign', 'countersign');
    } finally {
      console.log = log;
    }
    return Promise.resolve();
  },
};

/**
 * The library's script lets bash evaluate the typed words on every press of Tab: `> file` would empty the file and `$(…)` would run,
 * before Enter (CWE-78). Quote them.
 */
const EVALUATED = 'requestComp="countersign complete -- ${words[@]:1}"';
const QUOTED = 'requestComp="countersign complete -- $(printf \'%q \' "${words[@]:1}")"';

/** Answers the script's `countersign complete -- <words>`. Lists key names without decrypting a key. */
export const complete = async (program: Parser, words: readonly string[]): Promise<void> => {
  attach(program, { completionCommandName: 'completion' });
  // A shell expands what it gets: `keyNamesIn` drops every file name that is not a plain key name.
  const names = await keyNamesIn(join(homeOf(process.env), 'keys')).catch(() => []);
  for (const each of completions.commands.values()) {
    const as = each.options.get('as');
    if (as === undefined) continue;
    as.handler = (answer) => {
      for (const name of names) answer(name, '');
    };
  }
  completions.parse(words.slice(words.indexOf('--') + 1));
};
