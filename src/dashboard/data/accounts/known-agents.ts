import { parseAccountId } from '../../../protocol/account-id.ts';
import { addressIn, labelShown, networkIn } from '../../format/text.ts';

type Agent = { readonly account: string; readonly label?: string | undefined };

/** The agents that a field can name. `isMore`: the gateway has further ones. */
export type KnownAgents = {
  /** Labels by account, as a person sees them. */
  readonly labels: ReadonlyMap<string, string | undefined>;
  /** Accounts by label and by address, both in lower case. */
  readonly named: ReadonlyMap<string, readonly string[]>;
  readonly isMore: boolean;
};

/** The account that a text names, or the reason why there is none. */
export type Named = { readonly account: string } | { readonly fault: string };

/** Finds agents by their names. Two agents may have one name. */
export const knownAgents = (agents: readonly Agent[], isMore: boolean): KnownAgents => {
  // An agent with two grants appears twice in a tree.
  const labels = new Map(agents.map(({ account, label }) => [account, labelShown(label)?.trim()]));
  const named = new Map<string, string[]>();
  for (const [account, label] of labels) {
    for (const name of [addressIn(account), ...(label === undefined ? [] : [label.toLowerCase()])])
      named.set(name, [...(named.get(name) ?? []), account]);
  }
  return { labels, named, isMore };
};

const ADDRESS = /^0x[0-9a-f]{40}$/;

const noAgent = (text: string, known: KnownAgents | undefined): string => {
  if (text.startsWith('0x') || text.includes(':'))
    return 'This is no account. An address is 0x and 40 hex digits.';
  if (known === undefined)
    return 'The names are not read yet. Try again in a moment, or enter an address.';
  return known.isMore
    ? `None of the first ${known.labels.size} agents has this name. Enter an address: 0x and 40 hex digits.`
    : 'No agent has this name. Choose one from the list, or enter an address: 0x and 40 hex digits.';
};

/**
 * The account that a person names by its label, its address, or its CAIP-10 id.
 *
 * Attack: an agent may have the address of another one as its label. An address is never looked up among the labels.
 *
 * @param known undefined until it is read
 * @param reader the signed-in account: an address of no known agent is taken to be on its network
 */
export const agentNamed = (text: string, known: KnownAgents | undefined, reader: string): Named => {
  const wanted = text.trim().toLowerCase();
  if (parseAccountId(wanted) !== undefined) return { account: wanted };
  const found = known?.named.get(wanted) ?? [];
  if (ADDRESS.test(wanted)) {
    const own = `${networkIn(reader)}:${wanted}`;
    const owners = found.filter((account) => addressIn(account) === wanted);
    return { account: owners.includes(own) ? own : (owners[0] ?? own) };
  }
  const [one] = found;
  if (one === undefined) return { fault: noAgent(wanted, known) };
  return found.length === 1
    ? { account: one }
    : { fault: `${found.length} agents have this name. Enter the address of one.` };
};

/** The shortest text that names an account: its label, its address, or its id. */
export const nameOfAgent = (
  account: string,
  known: KnownAgents | undefined,
  reader: string,
): string => {
  const names = [known?.labels.get(account), addressIn(account)].filter(
    (name) => name !== undefined,
  );
  const isIts = (name: string): boolean => {
    const named = agentNamed(name, known, reader);
    return 'account' in named && named.account === account;
  };
  return names.find(isIts) ?? account;
};
