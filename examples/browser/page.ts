// The page: one agent for one wallet, and a person who approves each price.
import {
  type Agent,
  type AgentResponse,
  CountersignError,
  createAgent,
  type Offered,
} from 'countersign/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

const part = <T extends Element>(id: string, type: new () => T): T => {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
};

const form = part('ask', HTMLFormElement);
const key = part('key', HTMLInputElement);
const word = part('word', HTMLInputElement);
const gateway = part('gateway', HTMLInputElement);
const send = part('send', HTMLButtonElement);
const offer = part('offer', HTMLElement);
const pay = part('pay', HTMLButtonElement);
const decline = part('decline', HTMLButtonElement);
const status = part('status', HTMLElement);
const result = part('result', HTMLElement);
const address = part('address', HTMLElement);

const NETWORKS: Readonly<Record<string, string>> = {
  'eip155:8453': 'Base',
  'eip155:84532': 'Base Sepolia (a test network)',
};

/** USDC has six decimals. */
const dollars = (amount: bigint): string => `$${Number(amount) / 1e6}`;

const isKey = (text: string): text is `0x${string}` => /^0x[0-9a-fA-F]{64}$/.test(text);

/** Shows a message, which screen readers announce (role="status"). */
const announce = (text: string, mood: '' | 'bad' = ''): void => {
  status.textContent = text;
  status.className = `status ${mood}`;
};

type Fact = readonly [name: string, value: string, mood?: 'good' | 'bad' | 'code'];

const list = (into: string, facts: readonly Fact[]): void => {
  const rows = facts.map(([name, value, mood]) => {
    const row = document.createElement('div');
    const term = document.createElement('dt');
    const description = document.createElement('dd');
    term.textContent = name;
    description.textContent = value;
    if (mood !== undefined) description.className = mood;
    row.append(term, description);
    return row;
  });
  part(into, HTMLElement).replaceChildren(...rows);
};

/** Shows the offer and waits for the person to approve it. */
const approve = async ({ requirement, paysFrom }: Offered): Promise<boolean> => {
  part('price', HTMLElement).textContent = dollars(requirement.amount);
  list('offer-facts', [
    ['From', paysFrom === 'credit' ? 'your credit at the gateway' : 'your wallet, in USDC'],
    ['To', requirement.payTo, 'code'],
    ['Network', NETWORKS[requirement.network] ?? requirement.network],
  ]);
  offer.hidden = false;
  announce('');
  pay.focus();
  const isApproved = await new Promise<boolean>((resolve) => {
    pay.onclick = () => resolve(true);
    decline.onclick = () => resolve(false);
  });
  offer.hidden = true;
  if (isApproved) announce('Paying…');
  return isApproved;
};

/** The agent of the key in the field. A new key gets a new agent, with new caps. */
let current: { readonly key: string; readonly agent: Agent } | undefined;

const agentOf = (privateKey: `0x${string}`): Agent => {
  if (current?.key !== privateKey) {
    const account = privateKeyToAccount(privateKey);
    const spend = { perCall: '$0.10', total: '$1' };
    current = {
      key: privateKey,
      agent: createAgent({ account, spend, hooks: { onOffer: approve } }),
    };
  }
  return current.agent;
};

type Sense = { readonly definition?: string };

const sensesIn = (body: unknown): readonly string[] => {
  const { senses } = (body ?? {}) as { readonly senses?: readonly Sense[] };
  return (senses ?? []).map(({ definition }) => definition ?? '').slice(0, 3);
};

const show = async (answer: AgentResponse, agent: Agent): Promise<void> => {
  const { charged, paid, binding, receipt, call, problem } = answer.countersign;
  const body: unknown = await answer.json().catch(() => undefined);
  const texts = answer.ok
    ? sensesIn(body)
    : [problem?.detail ?? `The gateway answered ${answer.status}.`, problem?.hint ?? ''];
  part('result-title', HTMLElement).textContent = answer.ok ? 'Answer' : 'No answer';
  part('answer', HTMLElement).replaceChildren(
    ...texts.map((text) => {
      const paragraph = document.createElement('p');
      paragraph.textContent = text;
      return paragraph;
    }),
  );
  list('facts', [
    ['Charged', `${dollars(charged)}${paid === 'credit' ? ' from credit' : ''}`],
    receipt?.verified === true
      ? ['Receipt', `Verified: signed by ${receipt.claims.iss}`, 'good']
      : receipt === undefined
        ? ['Receipt', 'None']
        : ['Receipt', `Not verified: ${receipt.why}`, 'bad'],
    ['Bound to', binding === 'intent' ? 'Exactly this request' : 'Its price only'],
    ['Call', call ?? 'None', 'code'],
    ['Remaining to spend', dollars(agent.spending().remaining)],
  ]);
  announce('');
  result.hidden = false;
  part('result-title', HTMLElement).focus();
};

const explain = (error: unknown): void => {
  if (error instanceof CountersignError && error.code === 'vetoed') announce('Nothing was paid.');
  else if (error instanceof CountersignError) announce(`${error.message} ${error.hint}`, 'bad');
  else announce(String(error), 'bad');
};

const showAddress = (): void => {
  address.hidden = !isKey(key.value);
  if (isKey(key.value)) address.textContent = `Address ${privateKeyToAccount(key.value).address}`;
};

key.addEventListener('input', showAddress);
part('generate', HTMLButtonElement).addEventListener('click', () => {
  key.value = generatePrivateKey();
  showAddress();
  announce(
    'The new wallet is empty. Send test USDC on Base Sepolia to its address before you pay.',
  );
});

const submit = async (): Promise<void> => {
  if (!isKey(key.value)) return;
  send.disabled = true;
  result.hidden = true;
  announce('Calling the tool…');
  try {
    const tool = new URL('/tools/lookup', gateway.value);
    tool.searchParams.set('word', word.value);
    const agent = agentOf(key.value);
    await show(await agent.fetch(tool), agent);
  } catch (error) {
    explain(error);
  } finally {
    send.disabled = false;
  }
};

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void submit();
});
