import { useEffect, useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { AccountId } from '../../protocol/account-id.ts';
import type { CommandAnswer } from '../data/commands/answer-of-command.ts';
import { subjectOf, storedState } from '../data/commands/command-words.ts';
import { commandChanges, openCommands, sendAgain } from '../data/commands/send-command.ts';
import type { SignedCommand } from '../data/commands/signed-command.ts';
import { gateway } from '../data/gateway/gateway.ts';
import { passedAtGateway } from '../data/gateway/gateway-clock.ts';
import { momentToSecond } from '../format/time.ts';
import { Notice } from './notice.tsx';

const LISTED_MS = 10_000;

const openText = (name: string, { sentAt, until }: SignedCommand): string => {
  const signed = `${name} that you signed on ${momentToSecond(sentAt)} has no answer yet.`;
  if (until !== undefined && until <= passedAtGateway()) {
    return `${signed} It has expired: if it has not taken effect yet, it no longer can.`;
  }
  const end = until === undefined ? '' : ` until ${momentToSecond(until)}`;
  return `${signed} The gateway may have carried it out, and may still do so${end}. “Send again” sends the same signed command, which takes effect at most once.`;
};

const answerText = (name: string, answer: CommandAnswer): string => {
  switch (answer.is) {
    case 'done':
      return `${name} has its answer: the gateway carried it out.`;
    case 'received':
      return `${name} arrived at the first attempt. The gateway does not carry it out again.`;
    case 'expired':
      return `${name} has expired. The gateway did not carry out this attempt, and no longer can.`;
    case 'refused':
      return `${name} was refused: ${answer.why}`;
    case 'open':
      return `The gateway did not answer. ${name} is still open.`;
  }
};

/** A command that a person has sent again on this page: it stays until the person has read the answer. */
type Repeated = { readonly command: SignedCommand; readonly answer: CommandAnswer | undefined };

/** One command, from its lost answer to its outcome. */
const OpenCommand = ({
  command,
  repeated,
  onRepeat,
  onClose,
}: {
  readonly command: SignedCommand;
  readonly repeated: Repeated | undefined;
  readonly onRepeat: () => void;
  readonly onClose: () => void;
}) => {
  const [state, setState] = useState<string | undefined>(undefined);
  const subject = subjectOf(command);
  const management = gateway.value;
  const answer = repeated?.answer;
  useEffect(() => {
    if (management === undefined) return undefined;
    const read = (): void => {
      // If this read fails, the page of the call still shows the state.
      void storedState(management, subject).then(setState, () => undefined);
    };
    read();
    const timer = setInterval(read, LISTED_MS);
    return () => clearInterval(timer);
  }, [command.id, management, answer]);
  const isSending = repeated !== undefined && answer === undefined;
  const isOver = answer !== undefined && answer.is !== 'open';
  return (
    <Notice tone="warn">
      <p role="status">
        {answer === undefined ? openText(subject.name, command) : answerText(subject.name, answer)}
      </p>
      {state === undefined ? null : <p>{state} Lists are up to date within seconds.</p>}
      {subject.page === undefined ? null : (
        <p>
          <Link href={subject.page}>See what is stored</Link>
        </p>
      )}
      {isOver ? (
        <button type="button" onClick={onClose}>
          Close
        </button>
      ) : (
        <button type="button" disabled={isSending} onClick={onRepeat}>
          {isSending ? 'Asking the gateway' : 'Send again'}
        </button>
      )}
    </Notice>
  );
};

/** The commands of the signed-in wallet whose answer was lost, in this tab or before it was loaded. */
export const OpenCommands = ({ account }: { readonly account: AccountId }) => {
  const [open, setOpen] = useState<readonly SignedCommand[]>([]);
  const [repeated, setRepeated] = useState<ReadonlyMap<string, Repeated>>(new Map());
  const changes = commandChanges.value;
  useEffect(() => {
    let isCurrent = true;
    const list = async (): Promise<void> => {
      const listed = await openCommands(account);
      if (isCurrent) setOpen(listed);
    };
    void list();
    const timer = setInterval(() => void list(), LISTED_MS);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [account, changes]);
  const note = (id: string, next: Repeated | undefined): void =>
    setRepeated((before) => {
      const after = new Map(before);
      if (next === undefined) after.delete(id);
      else after.set(id, next);
      return after;
    });
  const repeat = async (command: SignedCommand): Promise<void> => {
    note(command.id, { command, answer: undefined });
    const answer = await sendAgain(command).catch(() => ({ is: 'open' }) as const);
    note(command.id, { command, answer });
  };
  const others = open.filter(({ id }) => !repeated.has(id));
  return (
    <>
      {[...[...repeated.values()].map(({ command }) => command), ...others].map((command) => (
        <OpenCommand
          key={command.id}
          command={command}
          repeated={repeated.get(command.id)}
          onRepeat={() => void repeat(command)}
          onClose={() => note(command.id, undefined)}
        />
      ))}
    </>
  );
};
