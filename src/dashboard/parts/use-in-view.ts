import { useEffect, useRef, useState } from 'preact/hooks';

/** Whether an element is on the screen now. The page reads only the rows that are. */
export const useInView = <E extends Element>() => {
  const element = useRef<E>(null);
  const [isInView, setInView] = useState(false);
  useEffect(() => {
    const watched = element.current;
    if (watched === null) return undefined;
    const observer = new IntersectionObserver((seen) =>
      setInView(seen.some(({ isIntersecting }) => isIntersecting)),
    );
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return { element, isInView };
};
