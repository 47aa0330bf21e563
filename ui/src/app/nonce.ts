// SPDX-License-Identifier: MPL-2.0

/** The nonce of this page, with which the policy allows style elements that libraries add. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

// Where the library that keeps the page behind a dialog from scrolling looks for the nonce.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;

/**
 * A document whose new style elements carry the nonce, for libraries that add style elements and can be
 * given a document but no nonce.
 */
export function documentWithNonce(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement') {
        return (tag: string, options?: ElementCreationOptions) => {
          const e = target.createElement(tag, options);
          if (e instanceof HTMLStyleElement) e.nonce = nonce;
          return e;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...a: unknown[]) => unknown).bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}
