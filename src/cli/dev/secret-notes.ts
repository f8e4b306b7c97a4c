import { missingText, type NeededSecret, projectSecrets, putText } from '../lib/needed-secrets.ts';
import { proseWidth } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { printable, wrapped } from '../lib/text.ts';
import { localSecrets } from './local-secrets.ts';

/** A secret that tools need and the local stack cannot send. `boundTo`: the other host to which it is bound. */
type Unsent = { readonly needed: NeededSecret; readonly boundTo: string | undefined };

/** Returns the secrets that are missing at the local stack: calls of their tools get 503. */
export const unsentSecrets = async (
  directory: string,
  upstream: string,
): Promise<readonly Unsent[]> => {
  const kept = await localSecrets(directory);
  return (await projectSecrets(directory, upstream))
    .map((needed) => ({ needed, boundTo: kept[needed.name]?.host }))
    .filter(({ needed, boundTo }) => needed.hosts.some((host) => host !== boundTo));
};

/** A note about a missing secret, with the command that stores it. */
export const secretNote = ({ out }: Pick<Session, 'out'>, { needed, boundTo }: Unsent): string => {
  const { name, hosts } = needed;
  const says =
    boundTo === undefined
      ? missingText(needed)
      : `the secret ${name} is bound to ${boundTo}, and its tools call ${hosts.join(', ')}`;
  const first = boundTo === undefined ? '' : `npx countersign secret remove ${name}, then `;
  const text = `Calls get 503: ${says}. In another terminal: ${first}npx ${putText(needed)}`;
  return wrapped(`${out.noteStyle.warn('!')} ${printable(text)}`, proseWidth(out), '  ');
};
