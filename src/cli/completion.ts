import completions, { script } from '@bomb.sh/tab';
import attach from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isKeyName } from './lib/key-name.ts';
import { homeOf } from './lib/session.ts';

/** The script for a shell, on stdout. It asks `countersign complete` at each press of the key. */
export const printCompletion = (shell: string): void => {
  const { log } = console;
  // The library writes its script itself.
  console.log = (text: string) => log(text.replace(EVALUATED, () => QUOTED));
  try {
    script(shell, 'countersign', 'countersign');
  } finally {
    console.log = log;
  }
};

/** What bash evaluates at each press of the key: as it was typed, `> file` would empty the file, and `$(…)` run, before Enter. */
const EVALUATED = 'requestComp="countersign complete -- ${words[@]:1}"';
const QUOTED = 'requestComp="countersign complete -- $(printf \'%q \' "${words[@]:1}")"';

const MARK = '--';

/** Answers a shell: what may follow the words so far. Names of keys are those of the files; nothing is decrypted. */
export const complete = async (program: Command, words: readonly string[]): Promise<void> => {
  attach(program, { completionCommandName: 'completion' });
  const names = await namesOf(process.env);
  for (const command of completions.commands.values()) {
    const as = command.options.get('as');
    if (as !== undefined) {
      as.handler = (answer) => {
        for (const name of names) answer(name, '');
      };
    }
  }
  const at = words.indexOf(MARK);
  completions.parse(words.slice(at + 1));
};

const namesOf = async (env: NodeJS.ProcessEnv): Promise<readonly string[]> => {
  const files = await readdir(join(homeOf(env), 'keys')).catch(() => []);
  // Shells expand what they are told: a file's name must not become a command.
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -5))
    .filter(isKeyName);
};
