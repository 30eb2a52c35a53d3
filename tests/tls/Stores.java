import java.io.*;
import java.net.Socket;
import java.security.KeyStore;
import javax.net.ssl.*;

/** Stores PORT DIR: reads "STORE PASSWORD" lines and says of each, as javax.net.ssl.trustStore, "STORE PASSWORD ok" or "... fail: why". */
public class Stores {
    static void connect(int port) throws Exception {
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init((KeyStore) null);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        try (Socket socket = context.getSocketFactory().createSocket("127.0.0.1", port)) {
            socket.getOutputStream().write('x');
            socket.getInputStream().read();
        }
    }

    /** JSSE keeps the last store by its name, whatever password comes next. */
    static void forget() throws Exception {
        System.setProperty("javax.net.ssl.trustStore", "NONE");
        TrustManagerFactory.getInstance("PKIX").init((KeyStore) null);
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader stores = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (String line; (line = stores.readLine()) != null; ) {
            String[] store = line.split(" ");
            String outcome = "ok";
            forget();
            System.setProperty("javax.net.ssl.trustStore", arguments[1] + "/" + store[0]);
            System.setProperty("javax.net.ssl.trustStorePassword", store[1].equals("-") ? "" : store[1]);
            try {
                connect(Integer.parseInt(arguments[0]));
            } catch (Exception e) {
                Throwable cause = e;
                while (cause.getCause() != null) cause = cause.getCause();
                outcome = "fail: " + cause;
            }
            out.println(line + " " + outcome);
        }
    }
}
