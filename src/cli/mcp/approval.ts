import { AsyncLocalStorage } from 'node:async_hooks';
import type { Server } from '@modelcontextprotocol/server';
import type { Offered } from '../../client/hooks.ts';
import { shortText } from '../../core/plain-text.ts';
import { tokenAmount } from '../lib/units.ts';

/** A call of the host that may need a person. */
export type Asked = {
  readonly server: Server;
  readonly origin: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
};

/** Asks a person before the bridge signs for more than a threshold. */
export type Approval = {
  /** Runs a call of the host, so that `allows` knows about which call it decides. */
  during<T>(asked: Asked, work: () => Promise<T>): Promise<T>;
  /** Whether the agent may sign this payment. The hook `onOffer` of the agent. */
  allows(offered: Offered): Promise<boolean>;
};

/**
 * Opens the approval of payments above `threshold` atomic units: the host shows a form (MCP elicitation). A host without forms gets a
 * refusal that names the option, because no person could have approved.
 *
 * @param threshold undefined: the caps alone decide
 */
export const openApproval = (
  threshold: bigint | undefined,
  note: (line: string) => void,
): Approval => {
  const current = new AsyncLocalStorage<Asked>();
  return {
    during: async (asked, work) => await current.run(asked, work),
    allows: async ({ requirement: { amount, network, asset, payTo } }) => {
      if (threshold === undefined || amount <= threshold) return true;
      const asked = current.getStore();
      if (asked === undefined) return false;
      const price = tokenAmount(amount, network, asset);
      if (asked.server.getClientCapabilities()?.elicitation === undefined) {
        note(
          `refused ${shown(asked.name, MAX_NAME)} for ${price}: this host cannot ask you. Raise --approve-above if you accept such prices.`,
        );
        return false;
      }
      const { action } = await asked.server.elicitInput({
        message: `Pay ${price} to ${payTo} at ${asked.origin} for one call of ${shown(asked.name, MAX_NAME)}? Arguments: ${shown(asked.arguments, MAX_ARGUMENTS)}`,
        requestedSchema: { type: 'object', properties: {} },
      });
      return action === 'accept';
    },
  };
};

const MAX_NAME = 128;
const MAX_ARGUMENTS = 400;

/**
 * Attack: the server chooses the name and a model the arguments. A line end or a bidirectional control in either could show the person
 * another price or another gateway than the one that gets the money.
 */
const shown = (value: unknown, limit: number): string => shortText(JSON.stringify(value), limit);
