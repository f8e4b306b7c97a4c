/**
 * A fake of Slack's incoming webhooks, because tests have no Slack workspace. It checks requests against Slack's documentation
 * (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, …/reference/block-kit) and returns Slack's answers.
 */
export type FakeSlack = {
  /** Answers one request. */
  readonly handle: (request: Request) => Promise<Response>;
  readonly posted: readonly Post[];
  /** Sets the answer to the next request, which the fake then does not check. */
  readonly answerNext: (response: Response) => void;
  /** Removes the webhook: the fake answers 404 `no_service` from now on. */
  readonly remove: () => void;
};

type Post = {
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text as a channel shows it, with entities decoded. */
  readonly shown: string;
  /** What Slack interprets between unescaped angle brackets: mentions and links. */
  readonly special: readonly string[];
};

type Text = { readonly type: string; readonly text: string; readonly verbatim?: boolean };
type Block = {
  readonly type: string;
  readonly text?: Text;
  readonly elements?: readonly Text[];
};

const MEMBERS = new Set(['text', 'blocks']);

export const createFakeSlack = (path = '/services/T0/B0/hunter2secret'): FakeSlack => {
  const posted: Post[] = [];
  const answers: Response[] = [];
  let isRemoved = false;
  return {
    posted,
    answerNext: (response) => {
      answers.push(response);
    },
    remove: () => {
      isRemoved = true;
    },
    handle: async (request) => {
      const text = await request.text();
      if (isRemoved || new URL(request.url).pathname !== path)
        return new Response('no_service', { status: 404 });
      const prepared = answers.shift();
      if (prepared !== undefined) return prepared;
      if (request.method !== 'POST' || !request.headers.get('content-type')?.includes('json'))
        return new Response('invalid_payload', { status: 400 });
      const post = postIn(text);
      if (typeof post === 'string') return new Response(post, { status: 400 });
      posted.push(post);
      return new Response('ok');
    },
  };
};

const postIn = (json: string): Post | string => {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return 'invalid_payload';
  }
  if (Object.keys(body).some((name) => !MEMBERS.has(name))) return 'invalid_payload';
  const { text, blocks = [] } = body as { text?: unknown; blocks?: readonly Block[] };
  if (typeof text !== 'string' || text === '') return 'no_text';
  if (!Array.isArray(blocks) || blocks.length > 50 || !blocks.every(isBlock))
    return 'invalid_blocks';
  const texts = [text, ...blocks.flatMap(textsOf).map((each) => each.text)];
  const all = texts.join('\n');
  return {
    text,
    blocks,
    special: [...all.matchAll(/<([^>]*)>/g)].map(([, inner = '']) => inner),
    shown: all.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
  };
};

const textsOf = ({ text, elements = [] }: Block): readonly Text[] =>
  text === undefined ? elements : [text];

const isBlock = (block: Block): boolean => {
  if (block.type === 'section' ? block.text === undefined : block.type !== 'context') return false;
  const texts = textsOf(block);
  return texts.length > 0 && texts.length <= 10 && texts.every(isText);
};

const isText = ({ type, text, verbatim }: Text): boolean =>
  (type === 'mrkdwn' || (type === 'plain_text' && verbatim === undefined)) &&
  text.length >= 1 &&
  text.length <= 3000 &&
  // A raw & outside an entity means that the sender did not escape its text.
  !/&(?!amp;|lt;|gt;)/.test(text);
