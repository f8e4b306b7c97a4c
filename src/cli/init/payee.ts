import { readRelayerKeys, readRelayers } from '../../config/backend-settings.ts';
import type { Address } from '../../core/hex.ts';
import { checksummed, parseAddress } from '../../crypto/address.ts';
import { addressOfPrivateKey } from '../../settlement/relayer/transaction.ts';
import { type Check, checkLines } from '../lib/checks.ts';
import type { ConfigFiles } from '../lib/config-files.ts';
import { usageError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import { NAME, WHY } from './payee-check.ts';

/** Addresses that must not receive the payments, because the gateway uses them for something else. */
type OtherUses = Pick<ConfigFiles, 'variables' | 'secrets'> & {
  /** `OPERATORS` after the command. */
  readonly operators: string | undefined;
};

/**
 * Refuses a receiving address that is an operator, a relayer or an agent of this machine: their own transfers would differ from the ledger.
 *
 * @throws CliError usage
 */
export const rejectPayee = async (
  { keystore, out }: Pick<Session, 'keystore' | 'out'>,
  payTo: Address,
  { variables, secrets, operators }: OtherUses,
): Promise<void> => {
  const relayers = readRelayers(variables['RELAYERS']?.trim() ?? '', 'local_stack');
  const keys = readRelayerKeys(secrets['RELAYER_KEY'] ?? '');
  const entries = await keystore.entries();
  const uses: readonly (readonly [string, readonly (string | undefined)[]])[] = [
    ['an operator', (operators ?? '').split(',').map((each) => parseAddress(each.trim()))],
    [
      'a relayer',
      [
        ...(relayers.ok ? [...relayers.value.values()].flatMap(({ addresses }) => addresses) : []),
        ...(keys.ok ? keys.value.map(addressOfPrivateKey) : []),
      ],
    ],
    ...entries
      .filter((entry) => entry.kind === 'fleet')
      .map(({ name, agents }): readonly [string, readonly string[]] => [
        `an agent of the fleet ${name}`,
        agents.map(({ address }) => address),
      ]),
  ];
  const lone = entries.find((entry) => entry.kind === 'key' && entry.address === payTo);
  if (lone !== undefined)
    out.note(`note: the receiving address is your key ${lone.name}; use that key for nothing else`);
  const use = uses.find(([, addresses]) => addresses.includes(payTo))?.[0];
  if (use === undefined) return;
  throw usageError(
    `The receiving address ${checksummed(payTo)} is ${use} as well.`,
    `Give --pay-to an address that nothing else uses: ${WHY} The command wrote nothing.`,
  );
};

/**
 * Shows what the chain knows about a receiving address, and asks whether it is used for nothing else. @throws CliError usage if it is used
 */
export const confirmPayee = async (
  { prompts, out }: Pick<Session, 'prompts' | 'out'>,
  payTo: Address,
  checks: readonly Check[],
): Promise<void> => {
  if (!prompts.isInteractive) return;
  const signs = checks.filter(({ name, status }) => name === NAME && status === 'warn');
  if (signs.length > 0) out.note(checkLines({ ...out, style: out.noteStyle }, signs));
  const agreed = await prompts.confirm({
    message: `Is ${checksummed(payTo)} used for nothing else? It must not be: ${WHY}`,
    instead: '--yes',
  });
  if (!agreed)
    throw usageError(
      'A gateway needs a receiving address of its own.',
      'Make a new address in your wallet and run the command again. It wrote nothing.',
    );
};
