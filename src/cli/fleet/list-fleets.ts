import type { Input } from '../lib/command.ts';
import type { Session } from '../lib/session.ts';
import { agentDocument, agentTable } from '../lib/agent-table.ts';
import { mustBeFleet } from './derive-agents.ts';

/** `fleet list`: who is in which fleet, as written beside the encrypted words. */
export const listFleets = async ({ keystore, out }: Session, input: Input): Promise<void> => {
  const [name] = input.arguments;
  const fleets =
    name === undefined
      ? (await keystore.entries()).filter((entry) => entry.kind === 'fleet')
      : [mustBeFleet(await keystore.entry(name))];
  const document = fleets.map((fleet) => ({
    name: fleet.name,
    organisation: fleet.organisation,
    agents: fleet.agents.map(agentDocument),
  }));
  out.result({ fleets: document }, () =>
    fleets.length === 0
      ? `No fleets yet. Make one with ${out.style.accent('countersign fleet new <name>')}.`
      : agentTable(
          out,
          fleets.flatMap((fleet) => fleet.agents.map((agent) => ({ fleet: fleet.name, agent }))),
        ),
  );
};
