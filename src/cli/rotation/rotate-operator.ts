import { createManagement } from '../../client/management.ts';
import { checksummed } from '../../crypto/address.ts';
import { cliErrorOf, CliError, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { sentence } from '../lib/print.ts';
import type { Identity } from '../lib/profile.ts';
import type { Session } from '../lib/session.ts';

/**
 * Proves both keys to the gateway and prints the next step: the gateway's variable OPERATORS names the operators, and only a deployment
 * changes it. Changes nothing itself.
 *
 * @throws CliError
 */
export const rotateOperator = async (session: Session, input: Input): Promise<void> => {
  const [, name] = input.arguments;
  const to = input.text('to');
  if (name === undefined || to === undefined) {
    throw usageError(
      'The command needs the old and the new key.',
      'Make one with `countersign keys new admin2`, then `countersign keys rotate operator admin --to admin2`.',
    );
  }
  const gateway = await session.profile.gateway();
  const [old, successor] = [await session.profile.named(name), await session.profile.named(to)];
  if (old.address === successor.address)
    throw usageError(
      'Both names are the same key.',
      'Name another key with --to: `countersign keys new <name>` makes one.',
    );
  const isOld = await isOperator(session, gateway, old);
  const isNew = await isOperator(session, gateway, successor);
  const step = isNew ? (isOld ? 'remove' : 'done') : isOld ? 'add' : 'neither';
  if (step === 'neither') {
    throw new CliError('The gateway knows neither key as operator.', {
      hint: `Add ${checksummed(successor.address)} to OPERATORS and deploy. An operator key that is lost is replaced the same way.`,
      code: 'not_operator',
    });
  }
  const texts = {
    add: `Add ${checksummed(successor.address)} to OPERATORS beside the old address, deploy, and run the command again.`,
    remove: `The gateway takes both. Remove ${checksummed(old.address)} from OPERATORS, deploy, and run the command again.`,
    done: `The gateway takes ${successor.name} only. Remove the old key from this machine and from every other place.`,
  };
  const document = { step, old: checksummed(old.address), new: checksummed(successor.address) };
  session.out.result(document, () => sentence(session.out, texts[step]));
};

/** Whether the gateway answers a request that is for operators only. */
const isOperator = async (
  { progress }: Session,
  gateway: string,
  { open }: Identity,
): Promise<boolean> => {
  const management = createManagement({ gateway, account: await open() });
  try {
    await progress.during('asking the gateway', async () =>
      management.call('accounts.list', { query: { limit: 1 } }),
    );
    return true;
  } catch (thrown) {
    const error = cliErrorOf(thrown);
    if (error.code === 'forbidden') return false;
    throw error;
  }
};
