import java.io.*;
import java.net.Socket;
import javax.net.ssl.*;

/** Reads "NAME PORT" lines, connects to each server as any Java program would, and says "NAME ok" or "NAME fail: why". */
public class Walk {
    public static void main(String[] arguments) throws Exception {
        BufferedReader servers = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = servers.readLine()) != null; ) {
            String[] server = line.split(" ");
            String outcome = "ok";
            try (Socket socket = SSLSocketFactory.getDefault().createSocket("127.0.0.1", Integer.parseInt(server[1]))) {
                socket.getOutputStream().write('x');
                if (socket.getInputStream().read() < 0) outcome = "fail: closed";
            } catch (IOException e) {
                Throwable cause = e;
                while (cause.getCause() != null) cause = cause.getCause();
                outcome = "fail: " + cause;
            }
            System.out.println(server[0] + " " + outcome);
        }
    }
}
