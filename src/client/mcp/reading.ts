import * as z from 'zod/mini';
import { createBoundedMap } from '../../core/bounded-map.ts';
import { ZERO_ADDRESS } from '../../core/hex.ts';
import { decodeUtf8, sha256Hex } from '../../crypto/bytes.ts';
import { type Network, chainIdOf } from '../../protocol/account-id.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { AgentContext } from '../context.ts';
import { isRecord, readJson } from '../json.ts';
import type { Outgoing } from '../outgoing.ts';
import { type Proof, signQuestion, windowAt } from '../proof.ts';
import type { Messages } from './messages.ts';

/** The requests of MCP that only read, by the tool of the gateway that an intent names for each (docs/mcp.md). */
const READING: Readonly<Record<string, string>> = {
  'tools/list': 'countersign.tools',
  'tools/call search_tools': 'countersign.tools.search',
  'tools/call describe_tool': 'countersign.tools.describe',
  'tools/call spending': 'countersign.spending',
};

const EXTENSION = 'countersign/intent';
const extensionSchema = z.object({
  audience: z.string().check(z.maxLength(256)),
  chains: z.array(z.string()).check(z.maxLength(64)),
});

type Gateway = { readonly audience: string; readonly network: Network };

/** Signs an agent's read requests over MCP, so that a gateway shows the agent its own tools and limits. */
export type Reading = {
  /** Notes what a server announces about intents in its answer to `initialize` or `server/discover`. */
  note(messages: Messages): void;
  /** Whether the server announced an audience that the agent accepts. From then on, no request of `READING` is paid. */
  isOpen(): boolean;
  /** The proof for a request that only reads; undefined for any other request, and for a server that announced nothing. */
  proofFor(post: Outgoing): Promise<Proof | undefined>;
};

/** An intent that expires within this time is signed anew, seconds. */
const MARGIN = 30;

/** Opens the reading of one server. Each intent is signed once and sent again until it expires: it executes nothing. */
export const openReading = (context: AgentContext, origin: string): Reading => {
  let gateway: Gateway | undefined;
  const proofs = createBoundedMap<string, Proof>(Object.keys(READING).length);
  return {
    note: ({ response }) => {
      const announced = announcedIn(response['result']);
      const network = announced?.chains.find(
        (chain): chain is Network =>
          chainIdOf(chain) !== undefined && tokenOf(chain as Network) !== undefined,
      );
      if (announced === undefined || network === undefined) return;
      const { audience } = announced;
      // Attack: a server that names another gateway's audience could read there with the signature (CWE-441).
      if (audience !== origin && audience !== context.audiences.get(origin)) return;
      gateway = { audience, network };
    },
    isOpen: () => gateway !== undefined,
    proofFor: async (post) => {
      const tool = READING[nameOf(post)];
      if (gateway === undefined || tool === undefined) return undefined;
      const known = proofs.get(tool);
      if (known !== undefined && known.until > context.now() + MARGIN) return known;
      const [method = ''] = nameOf(post).split(' ', 1);
      const signed = await signQuestion(
        context.signer,
        { ...post, method, contentType: '', payloadDigest: EMPTY },
        gateway.network,
        {
          audience: gateway.audience,
          tool,
          payTo: ZERO_ADDRESS,
          asset: ZERO_ADDRESS,
          maxAmount: 0n,
          ...windowAt(context.now()),
          authority: context.authority,
        },
      );
      proofs.set(tool, signed);
      return signed;
    },
  };
};

const EMPTY = sha256Hex(new Uint8Array());

const announcedIn = (result: unknown): z.infer<typeof extensionSchema> | undefined => {
  const capabilities = isRecord(result) ? result['capabilities'] : undefined;
  const extensions = isRecord(capabilities) ? capabilities['extensions'] : undefined;
  const parsed = extensionSchema.safeParse(isRecord(extensions) ? extensions[EXTENSION] : null);
  return parsed.success ? parsed.data : undefined;
};

/** The key of `READING`: the method, for a call with the name of its tool. */
const nameOf = ({ body }: Outgoing): string => {
  const text = body === undefined ? undefined : decodeUtf8(body);
  const message = text === undefined ? undefined : readJson(text);
  if (!isRecord(message)) return '';
  const { method, params } = message;
  const name = isRecord(params) ? params['name'] : undefined;
  return method === 'tools/call' ? `${method} ${String(name)}` : String(method);
};
