import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { mustBeKeyName } from '../lib/key-name.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';
import { agentDocument, agentTable } from '../lib/agent-table.ts';
import { askedAgents, derived } from '../lib/fleet-agents.ts';

const MAX_WORDS = 1024;

/** `fleet new`: words that nobody sees, encrypted; or, with `--from-words`, words that there are. */
export const newFleet = async (session: Session, input: Input): Promise<void> => {
  const { keystore, out, progress } = session;
  const name = mustBeKeyName(input.arguments[0]);
  const organisation = input.number('organisation', 0, 2 ** 31 - 1) ?? 0;
  const asked = askedAgents(input, []);
  if ((await keystore.entry(name)) !== undefined) {
    throw usageError(
      `There is already a key or fleet named ${name}.`,
      `\`countersign fleet derive ${name}\` adds agents to a fleet.`,
    );
  }
  const mnemonic = input.flag('fromWords') ? await givenWords(session) : await newWords();
  const agents = await progress.during('deriving', async () =>
    derived(mnemonic, organisation, asked),
  );
  const secret = new TextEncoder().encode(mnemonic);
  const entry = await keystore.add({ kind: 'fleet', name, organisation, agents }, secret);
  out.result({ name, organisation, agents: agents.map(agentDocument), file: entry.file }, () =>
    [
      `${out.style.good('made')} ${out.style.bold(name)} with ${counted(agents.length, 'agent')}`,
      '',
      agentTable(
        out,
        agents.map((agent) => ({ fleet: name, agent })),
      ),
      '',
      out.style.dim(`encrypted in ${entry.file}: keep a copy of it, and its password`),
    ].join('\n'),
  );
};

/** 24 words: 256 bits of the system's randomness. */
const newWords = async (): Promise<string> => {
  const { english, generateMnemonic } = await import('viem/accounts');
  return generateMnemonic(english, 256);
};

const givenWords = async ({ prompts, stdin }: Session): Promise<string> => {
  const text = prompts.possible
    ? await prompts.hidden({
        message: 'Words (12 to 24; they are not shown)',
        instead: 'the words on standard input',
      })
    : new TextDecoder().decode(await stdin(MAX_WORDS));
  const words = text.trim().toLowerCase().split(/\s+/).join(' ');
  const { validate } = await import('ox/Mnemonic');
  const { english } = await import('viem/accounts');
  if (validate(words, english)) return words;
  throw usageError(
    'These are no words of a wallet.',
    'Give all of them in their order: 12, 15, 18, 21 or 24 English words of BIP-39.',
  );
};
