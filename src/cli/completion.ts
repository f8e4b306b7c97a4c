import completions from '@bomb.sh/tab';
import attach from '@bomb.sh/tab/commander';
import type { Command as Parser } from 'commander';
import { type Candidates, candidatesOf } from './completion/candidates.ts';
import { completionScript, SHELLS } from './completion/script.ts';
import type { Command } from './lib/command.ts';
import { inputOf, optionOf } from './lib/input.ts';
import { openSession } from './lib/session.ts';

export const command: Command = {
  summary: 'print a shell script that completes commands, names and tools',
  arguments: [{ syntax: '<shell>', summary: 'the shell', choices: SHELLS }],
  examples: [
    'source <(npx countersign completion bash)',
    'countersign completion zsh > ~/.zfunc/_countersign',
    'countersign completion fish > ~/.config/fish/completions/countersign.fish',
  ],
  run: async ({ out }, input) => {
    const shell = SHELLS.find((each) => each === input.arguments[0]) ?? 'bash';
    await out.bytes(new TextEncoder().encode(`${completionScript(shell)}\n`));
  },
};

/** What an option or argument takes, by its name. */
const TAKES: Readonly<Record<string, keyof Candidates>> = {
  ...{ as: 'keys', account: 'keys', accounts: 'keys', agent: 'keys', 'agent|grant': 'keys' },
  ...{ to: 'keys', fleet: 'fleets', tool: 'tools', tools: 'tools', accept: 'tools' },
};

/** Times, and a parent grant, share their names with options of other commands. */
const isTaken = (command: string, name: string): boolean =>
  name === 'to' ? command === 'credits top-up' : true;

/** Answers the script's `countersign complete -- <words>`. */
export const complete = async (
  program: Parser,
  words: readonly string[],
  process: NodeJS.Process,
): Promise<void> => {
  attach(program, { completionCommandName: 'completion' });
  const typed = words.slice(words.indexOf('--') + 1);
  const given = (flag: string): string | undefined => {
    const at = typed.indexOf(flag);
    return at < 0 ? undefined : typed[at + 1];
  };
  const gateway = given('--gateway') ?? given('-g');
  const input = inputOf([], gateway === undefined ? {} : { [optionOf('--gateway')]: gateway });
  const { signal } = new AbortController();
  const session = openSession(
    { json: true, colour: false, signal, ifStopped: () => undefined, process },
    input,
  );
  const candidates = candidatesOf(session);
  const wanted = wantedBy(typed);
  const found = new Map<keyof Candidates, readonly string[]>();
  await Promise.all(
    [...wanted].map(async (kind) => {
      // A damaged key file or a gateway that is down must not print an error into the line that someone types.
      found.set(kind, await candidates[kind]().catch(() => []));
    }),
  );
  for (const [name, each] of completions.commands) {
    for (const [member, target] of [...each.options, ...each.arguments]) {
      const kind = TAKES[member];
      if (kind === undefined || !isTaken(name, member)) continue;
      target.handler = (answer) => {
        for (const value of found.get(kind) ?? []) answer(value, '');
      };
    }
  }
  // The library offers every shell that it knows.
  const shell = completions.commands.get('completion')?.arguments.get('shell');
  if (shell !== undefined) {
    shell.handler = (answer) => {
      for (const each of SHELLS) answer(each, '');
    };
  }
  completions.parse([...typed]);
};

/** The kinds that the typed words can ask for: tools cost a request, so only words about tools ask for them. */
const wantedBy = (typed: readonly string[]): ReadonlySet<keyof Candidates> => {
  const last = typed.at(-2) ?? '';
  const asksTools = typed[0] === 'tools' || /^--(?:tools?|accept)$/.test(last);
  return new Set(['keys', 'fleets', ...(asksTools ? (['tools'] as const) : [])]);
};
