/** HEAD for an application of Hono, which itself answers HEAD by GET and drops the body. */

type Fetch = (request: Request, ...rest: never[]) => Response | Promise<Response>

/**
 * Answers HEAD as GET, with the body: the listener sends the headers of a GET with the length, and cancels a stream.
 * Without the body the length would be zero, and a stream that nobody cancels would never end.
 */
export const headAsGet = <F extends Fetch>(fetch: F): F =>
  ((request, ...rest) => {
    if (request.method !== 'HEAD') return fetch(request, ...rest)
    // Not another Request, whose peer the server would not know. Hono reads the method before its first wait.
    Object.defineProperty(request, 'method', { value: 'GET', configurable: true })
    const answer = (async () => fetch(request, ...rest))()
    Reflect.deleteProperty(request, 'method')
    return answer
  }) as F
