import { ALERT_RULES, type WebhookRequest } from '../../protocol/alert.ts';
import { usageError } from '../lib/errors.ts';
import { type Input, listOf } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

/** A webhook as the command line describes it. */
type Receiver = {
  readonly name: string;
  /** Whether the user chose the name. A default name must not replace a webhook by accident. */
  readonly isChosen: boolean;
  readonly document: WebhookRequest;
};

const RESEND = 'https://api.resend.com/emails';
const MAX_SECRET = 4_096;

/** Reads the receiver from arguments and options, and asks for its secret. @throws CliError usage */
export const receiverIn = async (session: Session, input: Input): Promise<Receiver> => {
  const [first, second] = input.arguments;
  const [slack, email, from] = [input.text('slack'), input.text('email'), input.text('from')];
  const description = input.text('description');
  const common = {
    events: eventsIn(input.text('events') ?? '*'),
    ...(description === undefined ? {} : { description }),
  };
  if ([second, slack, email].filter((given) => given !== undefined).length !== 1) {
    throw usageError(
      'The command needs one receiver.',
      'Give --slack <url>, --email <addresses> with --from <address>, or a name and a URL.',
    );
  }
  const named = (name: string) => ({ name: first ?? name, isChosen: first !== undefined });
  if (slack !== undefined) {
    const url =
      slack === '-' ? await secretIn(session, 'URL of the Slack webhook', undefined) : slack;
    return { ...named('slack'), document: { ...common, format: 'slack', url } };
  }
  if (email === undefined)
    return { name: first ?? '', isChosen: true, document: { ...common, url: second ?? '' } };
  if (from === undefined)
    throw usageError('--email needs a sender.', 'Give --from <address>, of a domain of yours.');
  const token = await secretIn(
    session,
    'API key of the e-mail provider',
    session.env['COUNTERSIGN_EMAIL_TOKEN'],
  );
  const url = input.text('provider') ?? RESEND;
  const to = [...listOf(email)];
  return { ...named('email'), document: { ...common, format: 'email', url, from, to, token } };
};

/** A secret from the environment, the terminal or standard input: arguments are visible to every process (CWE-214). */
const secretIn = async (
  { prompts, stdin }: Session,
  message: string,
  inEnvironment: string | undefined,
): Promise<string> => {
  const given = inEnvironment ?? '';
  if (given !== '') return given;
  const text = prompts.isInteractive
    ? await prompts.hidden({ message, instead: `the ${message} on standard input` })
    : new TextDecoder().decode(await stdin(MAX_SECRET));
  if (text.trim() !== '') return text.trim();
  throw usageError(
    `The ${message} is missing.`,
    'Type it when the command asks, or give it on standard input.',
  );
};

const EVENTS = ['*', ...ALERT_RULES] as const;

const eventsIn = (text: string): WebhookRequest['events'] =>
  listOf(text).map((item) => {
    const event = EVENTS.find((each) => each === (item === 'all' ? '*' : item));
    if (event !== undefined) return event;
    throw usageError(
      '--events holds an unknown alert.',
      `Use some of ${ALERT_RULES.join(', ')}, or all.`,
    );
  });
