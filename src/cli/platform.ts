type Parse = (text: string, base?: string) => URL | null;
type WithResolvers = <T>() => PromiseWithResolvers<T>;

/** Adds what the sources use and Node 20, the oldest that this command runs on, does not have yet. */
export const completePlatform = (): void => {
  const Url = URL as { parse?: Parse };
  Url.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);
  const Later = Promise as { withResolvers?: WithResolvers };
  Later.withResolvers ??= <T>() => {
    let resolve: (value: T | PromiseLike<T>) => void = () => undefined;
    let reject: (reason?: unknown) => void = () => undefined;
    const promise = new Promise<T>((...ends) => {
      [resolve, reject] = ends;
    });
    return { promise, resolve, reject };
  };
};
