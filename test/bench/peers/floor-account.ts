import { DurableObject } from 'cloudflare:workers';
import { hash } from 'node:crypto';
import type { Hex } from '../../../src/core/hex.ts';
import { bytesOf } from '../../../src/crypto/bytes.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';

/** An intent as the payment carries it. */
export type WireIntent = Readonly<Record<keyof AgentIntent, string>>;

export type WireAuthorization = Readonly<Record<'from' | 'to' | 'nonce', Hex>> &
  Readonly<Record<'value' | 'validAfter' | 'validBefore', string>>;

/** What a call asks its account, its members in the order of canonical JSON. */
export type FloorCall = {
  readonly authorization: WireAuthorization;
  readonly call: Hex;
  readonly intent: WireIntent;
  readonly request: Hex;
  readonly signature: Hex;
  readonly tool: string;
};

/** The tool's answer. */
export type FloorOutcome = { readonly body: string; readonly digest: Hex; readonly status: number };

type Bindings = {
  readonly SETTLEMENT_QUEUE: { sendBatch(messages: readonly { body: object }[]): Promise<void> };
  readonly AUDIT_QUEUE: { send(message: object): Promise<void> };
};

/** An entry and the bytes beside it, until their commit. */
type Pending = { readonly text: string; readonly done: () => void };

export const sha256 = (content: string | Uint8Array): Hex => `0x${hash('sha256', content, 'hex')}`;

const SEND_MS = 1_000;
const now = (): number => Math.floor(Date.now() / 1_000);

/**
 * The account of the floor: a budget and a chain of entries. It commits each decision with its entry before it answers, sends payments and
 * entries once a second, and commits the settlements. It never reads its storage again: an object that was evicted begins anew.
 */
export class Floor extends DurableObject<Bindings> {
  #budget = 1_000_000_000_000n;
  #seq = 0;
  #prev = sha256('');
  #pending: Pending[] = [];
  #isCommitting = false;
  #isSending = false;
  #unsent: FloorCall[] = [];
  readonly #calls = new Map<Hex, FloorCall>();

  constructor(context: DurableObjectState, env: Bindings) {
    super(context, env);
    context.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS journal (slot INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT',
    );
  }

  /** Takes the call id and its price. @param text a `FloorCall` as JSON, which costs less than its structured clone. */
  async reserve(text: string): Promise<Hex> {
    const asked = JSON.parse(text) as FloorCall;
    const { call, authorization, intent, request, signature, tool } = asked;
    const price = BigInt(authorization.value);
    if (this.#calls.has(call) || price > this.#budget) throw new Error('denied');
    this.#budget -= price;
    this.#calls.set(call, asked);
    return await this.#enter({
      amounts: { reserved: authorization.value },
      at: now(),
      call,
      evidence: { authorization, intent, signature: sha256(bytesOf(signature)) },
      prev: this.#prev,
      request,
      seq: this.#seq + 1,
      tool,
      type: 'call.accepted',
    });
  }

  /** Stores the outcome. @returns the hash of its entry, which the receipt names. */
  async finish(call: Hex, { body, digest, status }: FloorOutcome): Promise<Hex> {
    const asked = this.#calls.get(call);
    if (asked === undefined) throw new Error('unknown');
    this.#unsent.push(asked);
    const entry = {
      amounts: { charged: asked.authorization.value },
      at: now(),
      call,
      outcome: { digest, status, success: true },
      prev: this.#prev,
      request: asked.request,
      seq: this.#seq + 1,
      tool: asked.tool,
      type: 'call.finished',
    };
    return await this.#enter(entry, body);
  }

  async settled(
    results: readonly { readonly call: Hex; readonly transaction: Hex }[],
  ): Promise<void> {
    await Promise.all(
      results.map(({ call, transaction }) => {
        this.#calls.delete(call);
        const link = { prev: this.#prev, seq: this.#seq + 1 };
        return this.#enter({ at: now(), call, ...link, transaction, type: 'call.settled' });
      }),
    );
  }

  exported(): void {}

  /** Links an entry, and resolves with its hash after its commit. */
  async #enter(entry: object, beside = ''): Promise<Hex> {
    const text = JSON.stringify(entry);
    const own = sha256(text);
    this.#prev = own;
    this.#seq += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pending.push({ text: `${text}\t${beside}`, done: resolve });
    if (!this.#isCommitting) void this.#commit();
    await promise;
    return own;
  }

  /** Commits what is waiting as one row, until nothing is. */
  async #commit(): Promise<void> {
    this.#isCommitting = true;
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      const state = JSON.stringify({ budget: this.#budget.toString(), seq: this.#seq });
      const row = `${state}\n${group.map(({ text }) => text).join('\n')}`;
      this.ctx.storage.sql.exec('INSERT INTO journal (text) VALUES (?)', row);
      await this.ctx.storage.sync();
      for (const { done } of group) done();
    }
    this.#isCommitting = false;
    this.#sendLater();
  }

  #sendLater(): void {
    if (this.#isSending || this.#unsent.length === 0) return;
    this.#isSending = true;
    setTimeout(() => this.ctx.waitUntil(this.#send()), SEND_MS);
  }

  async #send(): Promise<void> {
    this.#isSending = false;
    const account = this.ctx.id.name ?? '';
    const body = this.#unsent.map((asked) => ({ ...asked, account }));
    this.#unsent = [];
    await this.env.SETTLEMENT_QUEUE.sendBatch([{ body }]);
    await this.env.AUDIT_QUEUE.send({ account, last: this.#seq });
  }
}
