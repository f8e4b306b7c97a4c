import type { Input } from '../lib/command.ts';
import { CliError } from '../lib/errors.ts';
import { EXIT } from '../lib/exit-code.ts';
import type { Entry } from '../lib/keystore.ts';
import type { Session } from '../lib/session.ts';
import { agentDocument, agentTable } from '../lib/agent-table.ts';
import { askedAgents, derived } from '../lib/fleet-agents.ts';

/** A fleet of the keystore. @throws CliError */
export const mustBeFleet = (entry: Entry | undefined): Extract<Entry, { kind: 'fleet' }> => {
  if (entry?.kind === 'fleet') return entry;
  throw new CliError('There is no fleet of that name.', {
    hint: '`countersign fleet list` shows what there is, `countersign fleet new <name>` makes one.',
    exit: EXIT.unauthorised,
    code: 'unknown_key',
  });
};

/** `fleet derive`: more agents of the same words. */
export const deriveAgents = async (session: Session, input: Input): Promise<void> => {
  const { keystore, out, progress } = session;
  const entry = mustBeFleet(await keystore.entry(input.arguments[0] ?? ''));
  const asked = askedAgents(input, entry.agents);
  const mnemonic = new TextDecoder().decode(await keystore.secret(entry));
  const agents = await progress.during('deriving', async () =>
    derived(mnemonic, entry.organisation, asked),
  );
  await keystore.describe({ ...entry, agents: [...entry.agents, ...agents] });
  out.result({ name: entry.name, agents: agents.map(agentDocument) }, () =>
    agentTable(
      out,
      agents.map((agent) => ({ fleet: entry.name, agent })),
    ),
  );
};
