import type { Address } from '../../core/hex.ts';
import { checksummed, parseAddress } from '../../crypto/address.ts';
import type { ItemOf } from '../../management/routes.ts';
import { type AdminClient, collected, openAdmin } from '../lib/admin-client.ts';
import { CliError, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { sentence } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';
import { keyNamed } from './keys.ts';

type Relayer = ItemOf<'relayers'>;

/**
 * Reads the relayers of the gateway and prints the next step: RELAYERS and RELAYER_KEY name the keys, and only a deployment changes them.
 * Changes nothing itself.
 *
 * @throws CliError
 */
export const rotateRelayer = async (session: Session, input: Input): Promise<void> => {
  const [, from] = input.arguments;
  const to = input.text('to');
  if (from === undefined || to === undefined) {
    throw usageError(
      'The command needs the addresses of the old and of the new key.',
      'Give e.g. `countersign keys rotate relayer 0x… --to 0x… --as admin`. `countersign settlements backends` lists the relayers.',
    );
  }
  const [old, successor] = [await addressIn(session, from), await addressIn(session, to)];
  if (old === successor)
    throw usageError(
      'Both are the same key.',
      'Name another key with --to: `countersign keys new <name>` makes one.',
    );
  const admin: AdminClient = await openAdmin(session, 'operator');
  const relayers = await collected(admin, admin.list('relayers'));
  const [oldRows, newRows] = [rowsOf(relayers, old), rowsOf(relayers, successor)];
  if (oldRows.length + newRows.length === 0) {
    throw new CliError('The gateway has neither key as relayer.', {
      hint: '`countersign settlements backends` lists the relayers of every network.',
      code: 'unknown_relayer',
    });
  }
  const open = oldRows.reduce(
    (sum, { waiting = 0, flights = [] }) =>
      sum + waiting + flights.reduce((payments, flight) => payments + flight.payments, 0),
    0,
  );
  const isFunded = newRows.every(({ balance = '0' }) => balance !== '0');
  const step = relayerStep({
    hasOld: oldRows.length > 0,
    hasNew: newRows.length > 0,
    isFunded,
    open,
  });
  const texts = {
    add: `Send ether to ${checksummed(successor)}, add the address to \`addresses\` in RELAYERS and its key to RELAYER_KEY beside the old ones, deploy, and run the command again.`,
    fund: `Send ether to ${checksummed(successor)}: it has none, so its payers' payments wait for the facilitators. Then run the command again.`,
    drain: `${counted(open, 'payment')} of the old key wait or are on the chain. Run the command again when they have ended, or remove the key now: their accounts present them again within five minutes.`,
    remove: `Nothing waits for the old key. Remove ${checksummed(old)} from RELAYERS and its key from RELAYER_KEY, deploy, and run the command again.`,
    done: `The gateway settles with ${checksummed(successor)}. Move the ether that remains at ${checksummed(old)}, then destroy its key.`,
  };
  const document = { step, old: checksummed(old), new: checksummed(successor), open };
  session.out.result(document, () => sentence(session.out, texts[step]));
};

/** The operator's next step. `open`: payments of the old key that have not ended. */
export const relayerStep = ({
  hasOld,
  hasNew,
  isFunded,
  open,
}: {
  readonly hasOld: boolean;
  readonly hasNew: boolean;
  readonly isFunded: boolean;
  readonly open: number;
}): 'add' | 'fund' | 'drain' | 'remove' | 'done' => {
  if (!hasNew) return 'add';
  if (!isFunded) return 'fund';
  if (!hasOld) return 'done';
  return open > 0 ? 'drain' : 'remove';
};

const rowsOf = (relayers: readonly Relayer[], address: Address): readonly Relayer[] =>
  relayers.filter((each) => each.address === address);

/** An address, or the name of a key of this machine. @throws CliError */
const addressIn = async (session: Session, text: string): Promise<Address> => {
  const address = parseAddress(text) ?? (await keyNamed(session, text))?.address;
  if (address !== undefined) return address;
  throw usageError(
    `${text} is neither an address nor a key of this machine.`,
    'Give an address with its checksum, or in lower case.',
  );
};
